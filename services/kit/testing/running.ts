import { type Running, startServices } from '../run.ts'
import type { AnyService } from '../service.ts'
import type { Stack } from './stack.ts'

/**
 * Services on the servers of a test, on a free port; `env` adds to these settings or replaces them.
 * @example const running = await startOn(stack, [performance]); afterAll(() => running.stop())
 */
export const startOn = (
  { natsUrl, databaseUrl }: Pick<Stack, 'natsUrl' | 'databaseUrl'>,
  services: readonly AnyService[],
  env: Readonly<Record<string, string>> = {},
): Promise<Running> =>
  startServices(services, { NATS_URL: natsUrl, DATABASE_URL: databaseUrl, PORT: '0', LOG_LEVEL: 'warn', ...env })

/** What is answered, as JSON; undefined when nothing is. Rejects unless it is 2xx. */
export async function askJson<T>(url: string, method = 'GET', body?: unknown): Promise<T> {
  const answer = await fetch(url, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`)
  return (answer.status === 204 ? undefined : await answer.json()) as T
}
