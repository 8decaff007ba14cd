import { Readable } from 'node:stream'
import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { exportLines, keyOfPerson, knownPerson, type PersonId, type Whose } from '../store/export.ts'
import { keyHash } from '../store/identity.ts'
import type { Tables } from '../store/tables.ts'

const id = Type.Optional(Type.String({ minLength: 1, maxLength: 500 }))
const querystring = Type.Object({ userId: id, anonymousId: id, accountId: id }, { additionalProperties: false })

/** An export holds a connection and a moment of the database: a client that does not take it may not hold them for long. */
export type Patience = { readonly idleMs: number; readonly wholeMs: number }

const PATIENCE: Patience = { idleMs: 60_000, wholeMs: 15 * 60_000 }

export const exportRoute = (
  { db, reader, clock }: ServiceContext<unknown, Tables>,
  patience: Patience = PATIENCE,
): Route => ({
  method: 'GET',
  url: '/v1/customer-success/privacy/export',
  permission: 'customer-success:privacy',
  schema: {
    summary: 'Export what is kept of a person or an account',
    description:
      'JSON Lines (application/x-ndjson), each `{ "kind": ..., "row": { ... } }`. The last is `{ "kind": "end", "lines": { ... } }`, the number of lines by kind: without it the bundle was cut off, as it is when nothing of it is taken for a minute, or not all in a quarter of an hour. Name one of `userId`, `anonymousId` and `accountId`.',
    querystring,
    response: { 200: Type.String({ description: 'JSON Lines.' }) },
  },
  async handler(request, reply, principal) {
    const [target, whose] = await whoseOf(reader, request.query as Static<typeof querystring>)
    const timeMs = clock.now()
    await inTransaction(db, (tx) => writeAudit(tx, { principal, action: 'privacy.exported', target, timeMs }))
    return reply.type('application/x-ndjson').send(streamOf(exportLines(db, whose), patience))
  },
})

/** Destroying it ends the generator where it waits, and with it the transaction. */
function streamOf(lines: AsyncIterable<unknown>, { idleMs, wholeMs }: Patience): Readable {
  const cut = () => stream.destroy(new Error('The client did not take the export in time.'))
  async function* texts(): AsyncGenerator<Buffer> {
    const whole = setTimeout(cut, wholeMs)
    const idle = setTimeout(cut, idleMs)
    try {
      for await (const line of lines) {
        idle.refresh()
        yield Buffer.from(`${JSON.stringify(line)}\n`)
      }
    } finally {
      clearTimeout(whole)
      clearTimeout(idle)
    }
  }
  const stream = Readable.from(texts(), { objectMode: false })
  return stream
}

/** Whose bundle it is, and the hash it is on record by. */
async function whoseOf(
  reader: ServiceContext<unknown, Tables>['reader'],
  query: Static<typeof querystring>,
): Promise<[target: string, whose: Whose]> {
  const { accountId } = query
  const person = personIn(query)
  if (Object.keys(query).length !== 1) {
    throw appError('bad-request', 'Name exactly one of userId, anonymousId and accountId in the query.')
  }
  if (accountId !== undefined) {
    const known = await reader.selectFrom('account').select('id').where('account_id', '=', accountId).executeTakeFirst()
    if (known === undefined) {
      throw appError(
        'not-found',
        `No account has the id ${accountId}; list them with GET /v1/customer-success/accounts.`,
      )
    }
    return [keyHash(`account:${accountId}`).toString('hex'), { accountId }]
  }
  return [keyHash(keyOfPerson(person)).toString('hex'), { person: await knownPerson(reader, person) }]
}

const personIn = ({ userId, anonymousId = '' }: Static<typeof querystring>): PersonId =>
  userId === undefined ? { anonymousId } : { userId }
