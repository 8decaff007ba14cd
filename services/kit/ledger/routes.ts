import { inTransaction } from '../db/transaction.ts'
/** A service's ledger over HTTP: what was done outside, what did not come about, and a person's word on it. */

import { type Static, Type } from 'typebox'
import { writeAudit } from '../auth/audit.ts'
import { appError } from '../errors.ts'
import { decodeCursor, page, pageOf, pageQuery } from '../http/paging.ts'
import type { Route, ServiceContext } from '../service.ts'
import { attemptsAt, decideEffect, listEffects } from './ledger.ts'

const state = Type.Enum(['waiting', 'running', 'done', 'dead', 'cancelled', 'unsure'])
const effectSchema = Type.Object({
  key: Type.String({ description: 'Idempotency key its receiver sees.' }),
  kind: Type.String(),
  about: Type.String({ description: 'What it was decided for.' }),
  state,
  reason: Type.String({ description: 'Why it is dead, cancelled, unsure or tried again.' }),
  attempts: Type.Integer(),
  intendedAt: Type.String({ format: 'date-time' }),
})
const querystring = Type.Object({
  state: Type.Optional(state),
  about: Type.Optional(Type.String({ maxLength: 500 })),
  ...pageQuery,
})
const cursor = Type.Object({ intendedAt: Type.String(), key: Type.String() })
const params = Type.Object({ key: Type.String({ minLength: 1, maxLength: 500 }) })
const attemptSchema = Type.Object({
  attempt: Type.Integer(),
  startedAt: Type.String({ format: 'date-time' }),
  endedAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'Missing while it runs, or when its process died.' }),
  ),
  outcome: Type.Optional(Type.String()),
  answer: Type.Optional(Type.String({ description: 'What the other side said.' })),
})

/**
 * `GET /v1/<service>/effects`, `GET .../effects/{key}/attempts`, and `POST .../effects/{key}/retry` and `/confirm`.
 * @example routes: (context) => [...ledgerRoutes('demo', { read: 'demo:read', write: 'demo:write' }, context)]
 */
export function ledgerRoutes<Tables>(
  service: string,
  permissions: { readonly read: string; readonly write: string },
  { db, reader, clock }: ServiceContext<unknown, Tables>,
): Route[] {
  const base = `/v1/${service}/effects`
  const decide = (word: 'retry' | 'confirm', summary: string): Route => ({
    method: 'POST',
    url: `${base}/:key/${word}`,
    permission: permissions.write,
    schema: { summary, params, response: { 202: Type.Object({ key: Type.String() }) } },
    async handler(request, reply, principal) {
      const { key } = request.params as Static<typeof params>
      await inTransaction(db, async (tx) => {
        if (!(await decideEffect(tx, key, word)))
          throw appError('conflict', `No effect ${key} is dead, unsure or cancelled; list them with GET ${base}.`)
        await writeAudit(tx, { principal, action: `effect.${word}`, target: key, timeMs: clock.now() })
      })
      return reply.status(202).send({ key })
    },
  })
  return [
    {
      method: 'GET',
      url: base,
      permission: permissions.read,
      schema: { summary: 'Side effects, newest first', querystring, response: { 200: pageOf(effectSchema) } },
      async handler(request) {
        const { limit, cursor: at, ...filter } = request.query as Static<typeof querystring>
        const position = decodeCursor(at, cursor)
        const before = position && { intendedAt: new Date(position.intendedAt), key: position.key }
        const effects = await listEffects(reader, { ...filter, ...(before && { before }) }, limit + 1)
        const items = effects.map(({ payload, intendedAt, ...effect }) => ({
          ...effect,
          intendedAt: intendedAt.toISOString(),
        }))
        return page(items, limit, ({ intendedAt, key }) => ({ intendedAt, key }))
      },
    },
    {
      method: 'GET',
      url: `${base}/:key/attempts`,
      permission: permissions.read,
      schema: {
        summary: 'Every attempt at a side effect with its answer',
        params,
        response: { 200: Type.Object({ items: Type.Array(attemptSchema) }) },
      },
      async handler(request) {
        const attempts = await attemptsAt(reader, (request.params as Static<typeof params>).key)
        return {
          items: attempts.map(({ startedAt, endedAt, ...attempt }) => ({
            ...attempt,
            startedAt: startedAt.toISOString(),
            ...(endedAt && { endedAt: endedAt.toISOString() }),
          })),
        }
      },
    },
    decide('retry', 'Try a stopped side effect once more'),
    decide('confirm', 'Say that a side effect has happened'),
  ]
}
