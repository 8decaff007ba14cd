import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { isoDay } from '../domain/day.ts'
import type { Estimate } from '../domain/learn/evidence.ts'
import { activeVersion, listModels, type ModelRow } from '../store/model.ts'
import type { Tables } from '../store/tables.ts'
import { day } from './analytics-shapes.ts'

const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ version: Type.Integer() })

const estimate = (description: string) =>
  Type.Object({ value: Type.Number(), low: Type.Number(), high: Type.Number() }, { description })

const model = Type.Object({
  version: Type.Integer(),
  createdAt: Type.String({ format: 'date-time' }),
  promoted: Type.Boolean({ description: 'It was good enough to score accounts.' }),
  inUse: Type.Boolean({ description: 'It scores accounts now.' }),
  reasons: Type.Array(Type.String(), { description: 'Why it was promoted, or why it was not.' }),
  learnedUpTo: day('The newest day of which was known who left.'),
  trainedOn: nullable(
    Type.Object(
      { rows: Type.Integer(), accounts: Type.Integer(), churners: Type.Integer(), lastDay: day('Of its rows.') },
      { description: 'Accounts on days, one a week. Null: there was too little to fit anything to.' },
    ),
  ),
  backtest: nullable(
    Type.Object(
      {
        from: day('First day it was tested on.'),
        to: day('Last day it was tested on.'),
        rows: Type.Integer(),
        churners: Type.Integer(),
        auc: estimate('Chance that an account that left had the higher probability than one that stayed.'),
        ruleAuc: estimate('The same by a simple rule: fewer users than before.'),
        gain: estimate('Over the rule, on the same draws of accounts.'),
        averagePrecision: Type.Number(),
        brier: Type.Number(),
        calibrationError: Type.Number({ description: 'Expected calibration error, ten bins.' }),
        comparedWith: nullable(Type.Integer({ description: 'The version in use then.' })),
        aucGain: nullable(estimate('Over that version.')),
        brierGain: nullable(estimate('By which its Brier score is lower.')),
      },
      { description: 'On the newest quarter of the days, of which it knew nothing. Intervals hold 95 %.' },
    ),
  ),
})

export const modelsRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/models',
  permission: 'customer-success:read',
  schema: {
    summary: 'Fitted churn models with their back-tests, newest first, and why one is not in use',
    querystring,
    response: { 200: pageOf(model) },
  },
  async handler(request) {
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const rows = await listModels(reader, decodeCursor(at, cursor)?.version, limit + 1)
    const active = await activeVersion(reader)
    return page(
      rows.map((row) => modelBody(row, active)),
      limit,
      ({ version }) => ({ version }),
    )
  },
})

function modelBody(row: ModelRow, active: number | undefined): Static<typeof model> {
  const { version, promoted, reasons, trained_on: trainedOn } = row
  return {
    ...{ version, createdAt: row.created_at.toISOString(), promoted, inUse: version === active },
    reasons: [...reasons],
    learnedUpTo: isoDay(row.learned_up_to),
    trainedOn: trainedOn && {
      ...{ rows: trainedOn.rows, accounts: trainedOn.entities, churners: trainedOn.churners },
      lastDay: isoDay(trainedOn.lastDay),
    },
    backtest: backtestBody(row),
  }
}

function backtestBody({ backtest, compared_with: comparedWith }: ModelRow): Static<typeof model>['backtest'] {
  if (backtest === null) return null
  const { fromDay, toDay, gains, auc, ruleAuc, gain, ...figures } = backtest
  return {
    ...{ from: isoDay(fromDay), to: isoDay(toDay), rows: figures.rows, churners: figures.churners },
    ...{ auc: { ...auc }, ruleAuc: { ...ruleAuc }, gain: { ...gain } },
    averagePrecision: figures.averagePrecision,
    brier: figures.brier,
    calibrationError: figures.calibrationError,
    comparedWith,
    aucGain: estimateBody(gains?.aucGain),
    brierGain: estimateBody(gains?.brierGain),
  }
}

const estimateBody = (value: Estimate | undefined) => (value === undefined ? null : { ...value })
