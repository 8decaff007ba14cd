import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { activateConfiguration, findActive } from '../store/health-configurations.ts'
import { type Tables, tables } from '../store/tables.ts'
import { configurationBody, configurationSchema } from './health-configuration-shapes.ts'

const params = Type.Object({ version: Type.Integer({ minimum: 1 }) })

export const healthActivateRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: '/v1/customer-success/health/configurations/:version/activate',
  permission: 'customer-success:write',
  schema: {
    summary: 'Let a version score from the next day on',
    description: 'Past scores stay with the version they are of.',
    params,
    response: { 200: configurationSchema },
  },
  async handler(request, _, principal) {
    const { version } = request.params as Static<typeof params>
    const timeMs = clock.now()
    return await inTransaction(db, async (tx) => {
      const before = await findActive(tables(tx))
      const row = await activateConfiguration(tx, version, timeMs)
      if (row === undefined) {
        throw appError(
          'not-found',
          `There is no version ${version}; list them with GET /v1/customer-success/health/configurations.`,
        )
      }
      const detail = { from: before?.version ?? null, to: version }
      const action = 'health-configuration.activated'
      await writeAudit(tx, { principal, action, target: String(version), detail, timeMs })
      return configurationBody(row)
    })
  },
})
