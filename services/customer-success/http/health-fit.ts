import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { fitConfiguration, LEAST_CHURNERS } from '../domain/health/fit.ts'
import { activeConfiguration, addConfiguration } from '../store/health-configurations.ts'
import { knownFates } from '../store/health-fates.ts'
import { type Tables, tables } from '../store/tables.ts'
import { configurationBody, configurationSchema } from './health-configuration-shapes.ts'

export const healthFitRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: '/v1/customer-success/health/configurations/fit',
  permission: 'customer-success:write',
  schema: {
    summary: 'Fit the weights and the scale to who left, as a new version with its back-test',
    description:
      'Fitted on the older three quarters of the days, tested on the newer quarter beside the version that scores now. It does not score before it is activated.',
    response: { 201: configurationSchema },
  },
  async handler(_, reply, principal) {
    const timeMs = clock.now()
    const row = await inTransaction(db, async (tx) => {
      const active = await activeConfiguration(tx)
      const fitted = fitConfiguration(await knownFates(tables(tx)), active)
      if (fitted === undefined) {
        throw appError(
          'conflict',
          `Fewer than ${LEAST_CHURNERS} accounts left in the days with scores: too few to fit weights to.`,
        )
      }
      const { templates, rules } = fitted.configuration
      const made = { by: principal.name, atMs: timeMs, backtest: fitted.backtest }
      const added = await addConfiguration(tx, { templates, rules }, made)
      const target = String(added.version)
      await writeAudit(tx, { principal, action: 'health-configuration.fitted', target, timeMs })
      return added
    })
    return reply.status(201).send(configurationBody(row))
  },
})
