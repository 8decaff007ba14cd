import { decodeEvent } from '@plimsoll/contracts/events.ts'
import type { StreamName } from '@plimsoll/contracts/streams.ts'
import { USAGE_KIND, usageBatchView } from '@plimsoll/contracts/usage-batch.ts'
import { bootstrapVerifier } from '@plimsoll/kit/auth/apikeys.ts'
import { createAuthenticator } from '@plimsoll/kit/auth/authenticate.ts'
import type { Principal } from '@plimsoll/kit/auth/principal.ts'
import { manualClock } from '@plimsoll/kit/clock.ts'
import { asAppError, problemOf } from '@plimsoll/kit/http/problems.ts'
import { compileValidator } from '@plimsoll/kit/http/validation.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { createMemoryLog } from '@plimsoll/kit/log/memory.ts'
import fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify'
import { createSourceLedger, type SourceLedger } from '../../sources/ledger.ts'
import { defaultAccountKeys } from '../domain/account.ts'
import { createUsageIntake, type UsageIntake, type UsageLimits } from '../intake.ts'
import { usageRoutes } from '../routes.ts'

export const API_KEY = 'k'.repeat(40)
export const NOW = Date.parse('2026-11-23T20:00:00Z')

export const testLimits: UsageLimits = {
  lingerMs: 1,
  maxMessageBytes: 900_000,
  maxInFlightBytes: 64 * 1024 * 1024,
  answerWithinMs: 2_000,
}

export type TestUsage = {
  readonly app: FastifyInstance
  readonly log: EventLog
  readonly clock: ReturnType<typeof manualClock>
  readonly ledger: SourceLedger
  readonly intake: UsageIntake
  post(url: string, body: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>
  close(): Promise<void>
}

/** The routes of usage on a bare server and a log in memory; anybody may send unless `open` is false. */
export async function testUsage(
  options: { open?: boolean; log?: EventLog; limits?: Partial<UsageLimits>; now?: number } = {},
): Promise<TestUsage> {
  const clock = manualClock(options.now ?? NOW)
  const log = options.log ?? createMemoryLog(clock)
  const ledger = createSourceLedger(clock)
  const intake = createUsageIntake(log, clock, ledger, { ...testLimits, ...options.limits })
  const config = { GATEWAY_ACCOUNT_KEYS: [...defaultAccountKeys], GATEWAY_IP_HASH_KEY: 'a key of the tests' }
  const permissions = { 'gateway:write': 'Write.', 'gateway:read': 'Read.' }
  const local: Principal = { kind: 'local', name: 'local', permissions: new Set(Object.keys(permissions)) }
  const authenticate = createAuthenticator({
    verifiers: [bootstrapVerifier(API_KEY, Object.keys(permissions))],
    local: options.open === false ? undefined : local,
  })
  // kit's own server takes longer to start, for its pages, than most of these tests to run.
  const app = fastify({ bodyLimit: 4 * 1024 * 1024, routerOptions: { ignoreTrailingSlash: true } })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setValidatorCompiler(({ schema, httpPart }) => compileValidator(schema as never, httpPart ?? 'body'))
  app.setErrorHandler((thrown, _request, reply) => {
    const error = asAppError(thrown)
    if (error.retryAfterMs !== undefined) reply.header('retry-after', error.retryAfterMs / 1_000)
    return reply.code(error.status).send(problemOf(error))
  })
  for (const route of usageRoutes(config, { intake, ledger, clock, log, bodyLimitBytes: 4 * 1024 * 1024 })) {
    const { method, url, schema, permission, senderKey } = route
    const { querystring, params } = schema
    app.route({
      method,
      url,
      schema: { ...(querystring && { querystring }), ...(params && { params }) },
      handler: async (request, reply) => {
        const key = senderKey === undefined ? undefined : { key: senderKey(request) }
        return route.handler(request, reply, permission === 'public' ? local : await authenticate(request, key))
      },
    })
  }
  return {
    app,
    log,
    clock,
    ledger,
    intake,
    post: (url, body, headers = {}) =>
      app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/json', host: 'localhost', ...headers },
        payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
      }),
    async close() {
      await intake.drain(1_000)
      await app.close()
    },
  }
}

export type StoredUsage = {
  readonly source: string
  readonly subject: string
  readonly kind: string
  readonly name: string
  readonly accountId: string
  readonly userId: string
  readonly anonymousId: string
  readonly quantity: number
  readonly timeMs: number
  readonly originalTimeMs: number
  readonly sentTimeMs: number
  readonly messageId: string
  readonly properties: unknown
  readonly context: unknown
}

const kindNames = Object.keys(USAGE_KIND)

async function* messages(log: EventLog, stream: StreamName) {
  const { firstSeq, lastSeq } = await log.info(stream)
  for (let seq = Math.max(1, firstSeq); seq <= lastSeq; seq++) {
    const message = await log.get(stream, seq)
    if (message !== undefined) yield message
  }
}

/** Every usage event of a stream, decoded: what a consumer would see. */
export async function storedUsage(log: EventLog, stream: StreamName = 'USAGE'): Promise<StoredUsage[]> {
  const events: StoredUsage[] = []
  for await (const { subject, headers, data } of messages(log, stream)) {
    if (headers['Plimsoll-Type'] !== 'plimsoll.usage.v1.UsageBatch') continue
    const batch = usageBatchView(data)
    const text = (refs: Uint32Array, row: number) => batch.strings.at(refs[row] as number)
    for (let row = 0; row < batch.rows; row++) {
      events.push({
        source: batch.source,
        subject,
        kind: kindNames[batch.kind[row] as number] ?? '?',
        name: text(batch.nameRef, row),
        accountId: text(batch.accountRef, row),
        userId: text(batch.userRef, row),
        anonymousId: text(batch.anonymousRef, row),
        quantity: batch.quantity[row] as number,
        timeMs: batch.time[row] as number,
        originalTimeMs: batch.originalTime[row] as number,
        sentTimeMs: batch.sentTime[row] as number,
        messageId: Buffer.from(batch.messageId.subarray(row * 16, row * 16 + 16)).toString('hex'),
        properties: JSON.parse(text(batch.propertiesRef, row)),
        context: JSON.parse(text(batch.contextRef, row) || '{}'),
      })
    }
  }
  return events
}

/** Every fact on USAGE, decoded. */
export async function storedFacts(log: EventLog): Promise<{ type: string; value: Record<string, unknown> }[]> {
  const facts: { type: string; value: Record<string, unknown> }[] = []
  for await (const { data, headers } of messages(log, 'USAGE')) {
    if (headers['Plimsoll-Type'] === 'plimsoll.usage.v1.UsageBatch') continue
    const { type, value } = decodeEvent(data)
    facts.push({ type, value: value as unknown as Record<string, unknown> })
  }
  return facts
}
