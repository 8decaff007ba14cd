import { isTimeZone } from '@plimsoll/contracts/time-zone.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { auditContact, saveContact } from '../store/contacts.ts'
import type { Tables } from '../store/tables.ts'
import { BASE } from './playbook-shapes.ts'

const id = Type.String({ minLength: 1, maxLength: 500 })
const params = Type.Object({ accountId: id, userId: id })
const body = Type.Object(
  {
    email: Type.String({ default: '', maxLength: 320, pattern: '^$|^[^\\s<>@]+@[^\\s<>@]+$' }),
    roles: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
      default: [],
      maxItems: 20,
      description: 'What steps of playbooks address: admin, billing, sponsor, or what they name.',
    }),
    timeZone: Type.String({ default: 'UTC', maxLength: 100, description: 'IANA name.' }),
    consent: Type.Boolean({ default: false, description: 'To be written to by mail. Never assumed.' }),
    doNotContact: Type.Boolean({ default: false, description: 'Not in the product either.' }),
  },
  { additionalProperties: false },
)

export const contactRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'PUT',
  url: `${BASE}/contacts/:accountId/:userId`,
  permission: 'customer-success:write',
  schema: {
    summary: 'Whom playbooks may contact in an account, where and when',
    params,
    body,
    response: { 200: body },
  },
  async handler(request, _, principal) {
    const { accountId, userId } = request.params as Static<typeof params>
    const contact = request.body as Static<typeof body>
    if (!isTimeZone(contact.timeZone)) {
      const expected = 'an IANA time zone such as Europe/Berlin'
      throw appError('bad-request', `body/timeZone must be ${expected}.`, {
        fields: [{ field: 'body/timeZone', expected }],
      })
    }
    const timeMs = clock.now()
    await inTransaction(db, async (tx) => {
      await saveContact(tx, {
        ...{ account_id: accountId, user_id: userId, email: contact.email, roles: contact.roles },
        ...{ time_zone: contact.timeZone, consent: contact.consent, do_not_contact: contact.doNotContact },
        updated_at: new Date(timeMs),
      })
      await auditContact(tx, { accountId, userId }, contact, { principal, timeMs })
    })
    return contact
  },
})
