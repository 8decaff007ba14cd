import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { anonymousKey, keyHash, unlink, userKey } from '../store/identity.ts'
import type { Tables } from '../store/tables.ts'

const id = Type.String({ minLength: 1, maxLength: 500 })
const body = Type.Union([
  Type.Object({ userId: id, anonymousId: id }, { additionalProperties: false }),
  Type.Object({ userId: id, otherUserId: id }, { additionalProperties: false }),
])

export const unlinkRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: '/v1/customer-success/identities/unlink',
  permission: 'customer-success:write',
  schema: {
    summary: 'Take back that two identifiers are the same person',
    description:
      'Every figure becomes what it would be had they never been linked, and the same link told again changes nothing. Two persons that other links connect stay one.',
    body,
    response: { 204: Type.Null() },
  },
  async handler(request, reply, principal) {
    const pair = request.body as Static<typeof body>
    const other = 'otherUserId' in pair ? userKey(pair.otherUserId) : anonymousKey(pair.anonymousId)
    const timeMs = clock.now()
    await inTransaction(db, async (tx) => {
      const keys = [userKey(pair.userId), other] as const
      if (!(await unlink(tx, keys, { name: principal.name, timeMs }))) {
        throw appError(
          'not-found',
          'These two are not linked: check the ids, and whether the link was taken back before.',
        )
      }
      // On record for good, so by hashes: who was erased must not be kept.
      const target = keys.map((key) => keyHash(key).toString('hex')).join(' ')
      await writeAudit(tx, { principal, action: 'identity.unlinked', target, detail: {}, timeMs })
    })
    return reply.status(204).send(null)
  },
})
