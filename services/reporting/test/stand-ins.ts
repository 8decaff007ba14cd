import type { AnyService, Route } from '@plimsoll/kit/service.ts'
import { Type } from 'typebox'

/**
 * The routes of other services the page reads, with answers of a test's own: services never import each other, and what
 * they really answer is tested where they run together.
 */
export function standIns(answers: Readonly<Record<string, (query: Record<string, string>) => unknown>>): AnyService {
  const routes = Object.entries(answers).map(
    ([url, answer]): Route => ({
      method: 'GET',
      url,
      permission: 'public',
      schema: { summary: 'A stand-in', response: { 200: Type.Any() } },
      handler: (request) => answer(request.query as Record<string, string>),
    }),
  )
  return { name: 'stand-in', config: Type.Object({}), permissions: {}, routes: () => routes }
}
