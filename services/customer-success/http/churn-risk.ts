import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { isoDay } from '../domain/day.ts'
import { GRADE_DAYS } from '../domain/risk.ts'
import type { ActionRow } from '../store/actions.ts'
import { learnedOf } from '../store/model.ts'
import { openActions } from '../store/open-actions.ts'
import { openRisks, type RiskItem, riskRecord } from '../store/risk.ts'
import type { Tables } from '../store/tables.ts'
import { day } from './analytics-shapes.ts'
import { lineBody, lineSchema } from './health-shapes.ts'
import { learnedBody, learnedSchema } from './model-shapes.ts'

const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ loss: Type.Number(), id: Type.String() })

const item = Type.Object({
  episodeId: Type.String(),
  accountId: Type.String(),
  raisedOn: day('Day at whose end it was raised.'),
  trigger: Type.String({ description: 'score, probability, cancel_requested, payment_failed or silent.' }),
  score: nullable(Type.Number({ description: 'Smoothed score when it was raised.' })),
  churnProbability: nullable(Type.Number({ description: 'Learned, of the newest day; null when no model is in use.' })),
  rankedBy: Type.Number({
    description: 'Probability (without one the share of the score that is gone) x revenue.',
  }),
  mrrMinor: Type.Integer({ description: 'Monthly revenue at risk in the minor unit.' }),
  currency: Type.String(),
  reason: Type.String(),
  drivers: Type.Array(lineSchema),
  learned: nullable(learnedSchema),
  actions: Type.Array(
    Type.Object({
      actionId: Type.String(),
      playbook: Type.String({ description: 'Or the kind of a manual action.' }),
      arm: Type.String({ description: 'treated, holdout or control.' }),
      triggeredAt: Type.String({ format: 'date-time' }),
      step: Type.String({ description: 'The one that comes next.' }),
    }),
    { description: 'What is under way for the account.' },
  ),
})

const response = Type.Object({
  ...pageOf(item).properties,
  record: Type.Object(
    {
      raised: Type.Integer(),
      right: Type.Integer(),
      wrong: Type.Integer(),
      precision: nullable(Type.Number({ description: 'Right of right and wrong; null before the first grade.' })),
    },
    { description: `Past raises: right = the account left within ${GRADE_DAYS} days, wrong = it did not.` },
  ),
})

export const churnRiskRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/churn-risk',
  permission: 'customer-success:read',
  schema: {
    summary: 'Accounts at risk of leaving, those with most to lose first, and how past raises turned out',
    querystring,
    response: { 200: response },
  },
  async handler(request): Promise<Static<typeof response>> {
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const rows = await openRisks(reader, decodeCursor(at, cursor), limit + 1)
    const { items, next } = page(rows, limit, ({ expected_loss: loss, id }) => ({ loss, id }))
    const accountIds = items.map(({ account_id }) => account_id)
    const [learned, actions] = await Promise.all([learnedOf(reader, accountIds), openActions(reader, accountIds)])
    const { raised, right, wrong } = await riskRecord(reader)
    const precision = right + wrong === 0 ? null : right / (right + wrong)
    const about = (row: RiskItem) => ({
      ...itemBody(row),
      learned: learnedBody(learned.get(row.account_id)),
      actions: (actions.get(row.account_id) ?? []).map(actionBody),
    })
    return { items: items.map(about), next, record: { raised, right, wrong, precision } }
  },
})

const actionBody = ({ id, playbook_id, arm, triggered_at, step }: ActionRow) => ({
  ...{ actionId: id, playbook: playbook_id, arm, step, triggeredAt: triggered_at.toISOString() },
})

function itemBody(row: RiskItem): Omit<Static<typeof item>, 'learned' | 'actions'> {
  return {
    episodeId: row.id,
    accountId: row.account_id,
    raisedOn: isoDay(row.raised_day),
    trigger: row.trigger,
    score: row.score,
    churnProbability: row.learned,
    rankedBy: row.expected_loss,
    mrrMinor: row.mrr_minor,
    currency: row.currency,
    reason: row.reason,
    drivers: row.drivers.map(lineBody),
  }
}
