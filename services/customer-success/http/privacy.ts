import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { eraseAccount, erasePerson } from '../store/erase.ts'
import { keyOfPerson } from '../store/export.ts'
import { keyHash } from '../store/identity.ts'
import type { Tables } from '../store/tables.ts'

const id = Type.String({ minLength: 1, maxLength: 500 })
const body = Type.Union([
  Type.Object({ userId: id }, { additionalProperties: false }),
  Type.Object({ anonymousId: id }, { additionalProperties: false }),
])

const receipt = Type.Object({
  identifiers: Type.Integer({ description: 'User and anonymous ids that were known to be this person.' }),
  events: Type.Integer({ description: 'Raw events deleted, those in quarantine included.' }),
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
      'Deletes events and texts, corrects every figure the person was part of, and refuses what comes of the same ids later. Done here when it answers; others are told by PersonErased.',
    body,
    response: { 200: receipt },
  },
  async handler(request, _reply, principal): Promise<Static<typeof receipt>> {
    const person = request.body as Static<typeof body>
    const timeMs = clock.now()
    return await inTransaction(db, async (tx) => {
      const erased = await erasePerson(tx, person, timeMs)
      if (erased === undefined)
        throw appError('not-found', 'Nobody has this id: check it, and whether it was erased before.')
      // Who was erased must not be kept: the hash tells that a given id was.
      const target = keyHash(keyOfPerson(person)).toString('hex')
      await writeAudit(tx, { principal, action: 'person.erased', target, detail: erased, timeMs })
      return erased
    })
  },
})

const accountBody = Type.Object({ accountId: id }, { additionalProperties: false })

const accountReceipt = Type.Object({
  persons: Type.Integer({ description: 'Persons who were in this account only, and went with it.' }),
  rows: Type.Record(Type.String(), Type.Integer(), { description: 'Rows deleted, by table.' }),
})

export const eraseAccountRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: '/v1/customer-success/privacy/erase-account',
  permission: 'customer-success:privacy',
  schema: {
    summary: 'Erase an account',
    description:
      'Deletes all that is kept of it, and what persons did in it from every figure; refuses what names it later. Persons who are in other accounts stay there. Others are told by AccountErased.',
    body: accountBody,
    response: { 200: accountReceipt },
  },
  async handler(request, _reply, principal): Promise<Static<typeof accountReceipt>> {
    const { accountId } = request.body as Static<typeof accountBody>
    const timeMs = clock.now()
    return await inTransaction(db, async (tx) => {
      const erased = await eraseAccount(tx, accountId, timeMs)
      if (erased === undefined) {
        throw appError(
          'not-found',
          'There is no such account: list them with GET /v1/customer-success/accounts, or it was erased before.',
        )
      }
      const target = keyHash(`account:${accountId}`).toString('hex')
      await writeAudit(tx, { principal, action: 'account.erased', target, detail: erased, timeMs })
      return erased
    })
  },
})
