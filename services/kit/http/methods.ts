import type { FastifyInstance, HTTPMethods } from 'fastify'
import { appError } from '../errors.ts'
import type { Route } from '../service.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const satisfies HTTPMethods[]

/** Every address answers OPTIONS with what it takes, and any other method with 405 in place of "not found". */
export function addMethodRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  const taken = new Map<string, Set<string>>()
  for (const { url, method } of routes) {
    const own = taken.get(url) ?? new Set(['OPTIONS'])
    own.add(method)
    if (method === 'GET') own.add('HEAD')
    taken.set(url, own)
  }
  for (const [url, own] of taken) {
    const allow = methods.filter((method) => own.has(method)).join(', ')
    const declared = routes.some((route) => route.url === url && route.method === 'OPTIONS')
    if (!declared) {
      app.options(url, { schema: { hide: true } }, (_request, reply) => reply.status(204).header('allow', allow).send())
    }
    app.route({
      method: methods.filter((method) => !own.has(method)),
      url,
      schema: { hide: true },
      // Before the body is read: whatever it is, it is not wanted.
      onRequest: async (request, reply) => {
        reply.header('allow', allow)
        throw appError('method-not-allowed', `${request.method} is not taken here; ${allow} are.`)
      },
      handler: () => undefined,
    })
  }
}
