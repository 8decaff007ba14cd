import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { saveAdoptionDefinition } from '../store/adoption.ts'
import { type Tables, tables } from '../store/tables.ts'

/** A year and a day: as far back as one adoption may reach. */
const MOST_DAYS = 366

export const definitionSchema = Type.Object(
  {
    uses: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Uses by the persons of the account together,' }),
    windowDays: Type.Integer({ minimum: 1, maximum: MOST_DAYS, description: 'within so many successive days.' }),
  },
  { additionalProperties: false },
)
const params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 500 }) })

export const adoptionDefinitionRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'PUT',
  url: '/v1/customer-success/features/:name/adoption',
  permission: 'customer-success:write',
  schema: {
    summary: 'Say how much use of a feature makes an account one that has adopted it',
    description: 'For accounts that have not adopted it yet: what was told once stays.',
    params,
    body: definitionSchema,
    response: { 200: definitionSchema },
  },
  async handler(request, _reply, principal): Promise<Static<typeof definitionSchema>> {
    const { name } = request.params as Static<typeof params>
    const definition = request.body as Static<typeof definitionSchema>
    await inTransaction(db, async (tx) => {
      const known = await tables(tx).selectFrom('feature').select('id').where('name', '=', name).executeTakeFirst()
      if (known === undefined) throw appError('not-found', `No event has had the name "${name}" yet.`)
      await saveAdoptionDefinition(tx, name, definition)
      const change = { action: 'feature.adoption-defined', target: name, detail: definition }
      await writeAudit(tx, { principal, ...change, timeMs: clock.now() })
    })
    return definition
  },
})
