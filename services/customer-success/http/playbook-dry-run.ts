import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import type { CustomerSuccessConfig } from '../config.ts'
import { isoDay } from '../domain/day.ts'
import { dryRun } from '../events/dry-run.ts'
import { storedAccounts } from '../store/account-states.ts'
import type { Tables } from '../store/tables.ts'
import { definitionShape, parsePlaybook } from './playbook-definition.ts'
import { arm, BASE, idParams } from './playbook-shapes.ts'
import { playbookById } from './playbooks.ts'

const querystring = Type.Object({
  days: Type.Integer({ default: 90, minimum: 1, maximum: 90, description: 'Days to look back over.' }),
})
const response = Type.Object({
  fromDay: Type.String({ format: 'date' }),
  toDay: Type.String({ format: 'date' }),
  accounts: Type.Integer({ description: 'Different accounts among the items.' }),
  treated: Type.Integer(),
  heldOut: Type.Integer(),
  items: Type.Array(
    Type.Object({
      accountId: Type.String(),
      at: Type.String({ format: 'date-time' }),
      arm,
      reason: Type.String(),
    }),
  ),
})

export const playbookDryRunRoute = ({ reader, config }: ServiceContext<CustomerSuccessConfig, Tables>): Route => ({
  method: 'POST',
  url: `${BASE}/playbooks/:id/dry-run`,
  permission: 'customer-success:read',
  schema: {
    summary: 'Who would have entered a playbook over the last 90 days',
    description: 'Of the definition in the body; {} stands for the newest version. Nothing is kept or sent.',
    params: idParams,
    querystring,
    body: definitionShape,
    response: { 200: response },
  },
  async handler(request): Promise<Static<typeof response>> {
    const { id } = request.params as Static<typeof idParams>
    const { days } = request.query as Static<typeof querystring>
    const isGiven = Object.keys(request.body as object).length > 0
    const definition = isGiven ? parsePlaybook(request.body) : (await playbookById(reader, id)).definition
    const toDay = (await storedAccounts.latestDay(reader)) ?? -1
    const fromDay = Math.max(0, toDay - days + 1)
    const controlShare = config.CUSTOMER_SUCCESS_CONTROL_SHARE
    const would = await dryRun(reader, storedAccounts, { id, definition, fromDay, toDay, controlShare })
    const treated = would.filter((one) => one.arm === 'treated').length
    return {
      ...{ fromDay: isoDay(fromDay), toDay: isoDay(toDay) },
      accounts: new Set(would.map(({ accountId }) => accountId)).size,
      ...{ treated, heldOut: would.length - treated },
      items: would.map(({ atMs, ...one }) => ({ ...one, at: new Date(atMs).toISOString() })),
    }
  },
})
