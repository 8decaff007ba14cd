import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { type Configuration, configurationProblem } from '../domain/health/configuration.ts'
import { compareConfigurations } from '../domain/health/fit.ts'
import { activeConfiguration, addConfiguration, listConfigurations } from '../store/health-configurations.ts'
import { knownFates } from '../store/health-fates.ts'
import { type Tables, tables } from '../store/tables.ts'
import { configurationBody, configurationSchema, rulesSchema, templatesSchema } from './health-configuration-shapes.ts'

const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ version: Type.Integer() })

export const healthConfigurationsRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/health/configurations',
  permission: 'customer-success:read',
  schema: {
    summary: 'Versions of weights, curves and scales, newest first; the one activated last scores',
    querystring,
    response: { 200: pageOf(configurationSchema) },
  },
  async handler(request) {
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const rows = await listConfigurations(reader, decodeCursor(at, cursor)?.version, limit + 1)
    return page(rows.map(configurationBody), limit, ({ version }) => ({ version }))
  },
})

const body = Type.Object({ templates: templatesSchema, rules: rulesSchema }, { additionalProperties: false })

export const healthConfigureRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: '/v1/customer-success/health/configurations',
  permission: 'customer-success:write',
  schema: {
    summary: 'Keep weights, curves and scales made by hand, as a new version',
    description:
      'As GET tells them, with another weight, say. Once 50 accounts have left, tested on all of it beside the version that scores, each account by the template it had. It does not score before it is activated.',
    body,
    response: { 201: configurationSchema },
  },
  async handler(request, reply, principal) {
    const made = request.body as Omit<Configuration, 'version'>
    const problem = configurationProblem(made)
    if (problem !== undefined) throw appError('bad-request', `The configuration cannot score: ${problem}.`)
    const timeMs = clock.now()
    const row = await inTransaction(db, async (tx) => {
      const active = await activeConfiguration(tx)
      const backtest = compareConfigurations(await knownFates(tables(tx)), made, active)
      const by = { by: principal.name, atMs: timeMs, backtest }
      const added = await addConfiguration(tx, made, by)
      const target = String(added.version)
      await writeAudit(tx, { principal, action: 'health-configuration.made', target, timeMs })
      return added
    })
    return reply.status(201).send(configurationBody(row))
  },
})
