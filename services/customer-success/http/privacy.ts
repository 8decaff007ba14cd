import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { erasePerson } from '../store/erase.ts'
import { keyHash } from '../store/identity.ts'
import type { Tables } from '../store/tables.ts'

const id = Type.String({ minLength: 1, maxLength: 500 })
const body = Type.Union([
  Type.Object({ userId: id }, { additionalProperties: false }),
  Type.Object({ anonymousId: id }, { additionalProperties: false }),
])

const receipt = Type.Object({
  identifiers: Type.Integer({ description: 'User and anonymous ids that were known to be this person.' }),
  events: Type.Integer({ description: 'Raw events deleted.' }),
  days: Type.Integer({ description: 'Days of use taken out of every figure.' }),
  tickets: Type.Integer({ description: 'Ticket states whose author and text were removed.' }),
  answers: Type.Integer({ description: 'Answers whose author and comment were removed.' }),
  contacts: Type.Integer({ description: 'Contact entries, messages and mails of playbooks deleted.' }),
})

export const eraseRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: '/v1/customer-success/privacy/erase',
  permission: 'customer-success:privacy',
  schema: {
    summary: 'Erase a person',
    description:
      'Deletes events and texts, corrects every figure the person was part of, and refuses what comes of the same ids later. Done when it answers.',
    body,
    response: { 200: receipt },
  },
  async handler(request, _reply, principal): Promise<Static<typeof receipt>> {
    const person = request.body as Static<typeof body>
    const timeMs = clock.now()
    return await db.transaction().execute(async (transaction) => {
      const tx = transaction as unknown as WorkerTransaction
      const erased = await erasePerson(tx, person, timeMs)
      if (erased === undefined)
        throw appError('not-found', 'Nobody has this id: check it, and whether it was erased before.')
      // Who was erased must not be kept: the hash tells that a given id was.
      const target = keyHash(JSON.stringify(person)).toString('hex')
      await writeAudit(tx, { principal, action: 'person.erased', target, detail: erased, timeMs })
      return erased
    })
  },
})
