import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { acceptRegression, regressionById } from '../store/regressions.ts'
import type { Tables } from '../store/tables.ts'
import { regressionBody, regressionSchema } from './shapes.ts'

const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) })
const body = Type.Object(
  { note: Type.Optional(Type.String({ maxLength: 2_000, description: 'Why this is the new normal.' })) },
  { additionalProperties: false },
)

export const acceptRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: '/v1/performance/regressions/:id/accept',
  permission: 'performance:accept',
  schema: {
    summary: 'Accept a regression as the new normal',
    description:
      'The state becomes `accepted` once its series have taken the present regime as their reference, which is with the next samples that come for them.',
    params,
    body,
    response: { 202: regressionSchema },
  },
  async handler(request, reply, principal) {
    const { id } = request.params as Static<typeof params>
    const { note = '' } = request.body as Static<typeof body>
    const timeMs = clock.now()
    const row = await inTransaction(db, async (tx) => {
      const outcome = await acceptRegression(tx, id, { name: principal.name, note, timeMs })
      switch (outcome) {
        case 'not-found':
          throw appError('not-found', `No regression has the id ${id}; list them with GET /v1/performance/regressions.`)
        case 'not-open':
          throw appError('conflict', `Regression ${id} has ended; only a suspected or confirmed one can be accepted.`)
        case 'accepted':
          await writeAudit(tx, { principal, action: 'regression.accepted', target: id, detail: { note }, timeMs })
          return await regressionById(tx, id)
      }
    })
    if (row === undefined) throw appError('not-found', `Regression ${id} is gone.`)
    return reply.status(202).send(regressionBody(row))
  },
})
