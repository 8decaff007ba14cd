import type { Clock } from '@plimsoll/kit/clock.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { release } from '../../batch/release.ts'
import { DecodeError } from '../../decode/failure.ts'
import { send } from '../../http/answers.ts'
import type { SourceLedger } from '../../sources/ledger.ts'
import { decodeBody } from '../decode/body.ts'
import type { Read } from '../domain/draft.ts'
import type { Verdict } from '../domain/verdict.ts'
import type { Receipt, UsageIntake, UsageRequest } from '../intake.ts'

/** What the routes of usage share. */
export type UsageParts = {
  readonly intake: UsageIntake
  readonly ledger: SourceLedger
  readonly clock: Clock
  readonly accountKeys: readonly string[]
  readonly ipHash: (ip: string) => string
  /** Larger bodies are not even read; what usage takes is less, and told in its own words. */
  readonly bodyLimitBytes: number
}

export type Decoded =
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'damaged'; readonly error: DecodeError }

const decodedBodies = new WeakMap<FastifyRequest, Decoded>()

/** The body as JSON, decoded once: the key may be in it, and the handler reads it after. */
export function decoded(request: FastifyRequest): Decoded {
  let body = decodedBodies.get(request)
  if (body === undefined) {
    const query = request.url.split('?', 2)[1]
    body = attempt(() => decodeBody((request.body ?? new Uint8Array()) as Uint8Array, query))
    decodedBodies.set(request, body)
  }
  return body
}

function attempt(decode: () => unknown): Decoded {
  try {
    return { kind: 'read', value: decode() }
  } catch (error) {
    if (error instanceof DecodeError) return { kind: 'damaged', error }
    throw error
  }
}

/** Does `work` on a body, and counts one that cannot be read. Throws `bad-request` or `too-large` for it. */
export function countingDamage<T>(ledger: SourceLedger, source: string, protocol: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const tooLarge = error.failure === 'too-large'
    ledger.refuse(source, protocol, tooLarge ? 'too-large' : 'malformed-body', 1, error.message)
    throw appError(tooLarge ? 'too-large' : 'bad-request', `${error.message}.`, { cause: error })
  }
}

/** Reads a request's body with `read` and stores what it states. */
export async function receive(
  { intake, ledger, clock, ipHash }: UsageParts,
  request: FastifyRequest,
  { source, protocol }: Pick<UsageRequest, 'source' | 'protocol'>,
  read: (receivedAt: number) => readonly Read[],
): Promise<Receipt> {
  const receivedAt = clock.now()
  const reads = countingDamage(ledger, source, protocol, () => read(receivedAt))
  const body = request.body as Uint8Array | undefined
  const bodyBytes = Math.max(body?.length ?? 0, request.url.length)
  if (body !== undefined) release(body)
  return await intake.take({ source, protocol, receivedAt, bodyBytes, ipHash }, reads)
}

/** The decoded body, or its damage thrown: within `receive`, and once, so that it does not wait with the request. */
export function bodyOf(request: FastifyRequest): unknown {
  const body = decoded(request)
  decodedBodies.delete(request)
  if (body.kind === 'damaged') throw body.error
  return body.value
}

export const usageQuery = Type.Object(
  {
    strict: Type.Optional(
      Type.String({ description: '1: any rejected event makes the answer 400. The good ones are stored.' }),
    ),
    verdicts: Type.Optional(Type.String({ description: 'problems: leave out the verdicts of what is stored.' })),
  },
  // SDKs add parameters of their own, as `_` and `ver`.
  { additionalProperties: true },
)

const counted = (description: string) => Type.Integer({ description })

export const usageAnswer = Type.Object(
  {
    success: Type.Boolean(),
    accepted: counted('Durable now.'),
    duplicate: counted('Stored before.'),
    rejected: counted('Not stored: the verdict says what to change.'),
    quarantined: counted('Kept apart because of their time: GET /v1/gateway/quarantine.'),
    verdicts: Type.Array(
      Type.Object({
        index: Type.Integer(),
        messageId: Type.Union([Type.String(), Type.Null()]),
        status: Type.Union(['accepted', 'duplicate', 'rejected', 'quarantined'].map((status) => Type.Literal(status))),
        code: Type.Union([Type.String(), Type.Null()]),
        detail: Type.String(),
      }),
      { description: 'One of every event, in their order.' },
    ),
  },
  { description: 'Sent once everything accepted is durable.' },
)

export type UsageQuery = Static<typeof usageQuery>

/** Answers with the receipt; `extras` are what the protocol's SDKs look for in it. */
export function answer(
  reply: FastifyReply,
  request: FastifyRequest,
  { verdicts, ...counts }: Receipt,
  extras: Readonly<Record<string, unknown>> = {},
): FastifyReply {
  const { strict, verdicts: wanted } = request.query as UsageQuery
  const failed = isOn(strict) && counts.rejected > 0
  const told = wanted === 'problems' ? verdicts.filter(isProblem) : verdicts
  return send(reply, {
    status: failed ? 400 : 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify({ success: !failed, ...extras, ...counts, verdicts: told }),
  })
}

/** A repeat is stored like what was accepted: there is nothing to do about it. */
const isProblem = ({ status }: Verdict): boolean => status === 'rejected' || status === 'quarantined'

export const isOn = (text: string | undefined): boolean => text === '1' || text === 'true'
