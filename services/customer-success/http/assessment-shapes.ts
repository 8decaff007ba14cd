/** The churn-risk assessment as it is told: as JSON, and each part of it as a table. */

import { nullable } from '@plimsoll/kit/http/shapes.ts'
import { type Static, Type } from 'typebox'
import type { Calibration, RaiseRecord } from '../domain/assessment.ts'
import { type Proportion, rateOf, wilson } from '../domain/effect/proportions.ts'
import { LEAD_DAYS, WINDOW_DAYS } from '../domain/health/backtest.ts'
import { AT_RISK_FROM } from '../domain/health/score.ts'
import { GRADE_DAYS } from '../domain/risk.ts'
import { day } from './analytics-shapes.ts'
import type { Cell, Table } from './csv.ts'
import { lineSchema } from './health-shapes.ts'

export const MOST_MISSED = 100

const proportion = Type.Object({
  successes: Type.Integer(),
  n: Type.Integer(),
  rate: nullable(Type.Number({ description: 'Null of none.' })),
  interval: Type.Object({ low: Type.Number(), high: Type.Number() }, { description: "95 %, Wilson's." }),
})

const record = Type.Object({
  raised: Type.Integer(),
  open: Type.Integer({ description: 'Too early to tell.' }),
  precision: Type.Object(
    { ...proportion.properties },
    { description: `Raises whose account left within ${GRADE_DAYS} days, of those that are graded.` },
  ),
  coverage: Type.Object(
    { ...proportion.properties },
    { description: `Accounts raised within ${GRADE_DAYS} days before they left, of those that left in the period.` },
  ),
})

const calibration = Type.Object({
  n: Type.Integer({ description: `Accounts x days, every ${WINDOW_DAYS}: each leaves once at most.` }),
  left: Type.Integer(),
  brier: Type.Number(),
  calibrationError: Type.Number({ description: 'Mean distance of predicted and observed over the bins (ECE).' }),
  bins: Type.Array(
    Type.Object({ low: Type.Number(), high: Type.Number(), meanPredicted: Type.Number(), observed: proportion }),
    { description: 'Ten of as many predictions each; equal ones share a bin.' },
  ),
})

export const missedSchema = Type.Object({
  accountId: Type.String(),
  leftOn: day('The day it left.'),
  mrrMinor: Type.Integer({ description: 'Monthly revenue in the minor unit.' }),
  currency: Type.String(),
  lastScore: nullable(Type.Number({ description: 'Of the last day before.' })),
  lastDay: nullable(day('That day.')),
  churnProbability: nullable(Type.Number({ description: 'Learned, of that day.' })),
  drivers: Type.Array(lineSchema, { description: 'What had moved the score by then.' }),
})

export const assessmentSchema = Type.Object({
  from: day('First day of the period.'),
  to: day('Last day of the period.'),
  knownTo: day('The last day of which is known who left.'),
  raises: record,
  naive: Type.Object(
    { ...record.properties },
    { description: `Each first day with a score below ${AT_RISK_FROM}, for comparison.` },
  ),
  missed: Type.Object({
    accounts: Type.Integer({ description: 'Left in the period without having been raised before.' }),
    items: Type.Array(missedSchema, { description: `At most ${MOST_MISSED}, those with the most revenue first.` }),
  }),
  calibration: Type.Object(
    {
      days: Type.Array(day('At whose end was said what is looked at.')),
      learned: nullable(calibration),
      score: nullable(calibration),
      meaning: Type.Object(
        { n: Type.Integer(), left: Type.Integer() },
        { description: 'Accounts x days before the period: from them is read what probability a score stands for.' },
      ),
    },
    { description: `Of leaving ${LEAD_DAYS + 1} to ${LEAD_DAYS + WINDOW_DAYS} days later. Null: nothing to compare.` },
  ),
})
export type Assessment = Static<typeof assessmentSchema>

const proportionBody = (part: Proportion): Static<typeof proportion> => ({
  ...part,
  rate: part.n === 0 ? null : rateOf(part),
  interval: wilson(part),
})

export const recordBody = ({ raised, open, precision, coverage }: RaiseRecord): Static<typeof record> => ({
  ...{ raised, open },
  precision: proportionBody(precision),
  coverage: proportionBody(coverage),
})

export function calibrationBody(told: Calibration | undefined): Static<typeof calibration> | null {
  if (told === undefined) return null
  return { ...told, bins: told.bins.map(({ observed, ...bin }) => ({ ...bin, observed: proportionBody(observed) })) }
}

const proportionCells = ({ successes, n, rate, interval }: Static<typeof proportion>): Cell[] => [
  ...[successes, n, rate],
  ...[interval.low, interval.high],
]

/** A part of the report each. */
export const assessmentTables = {
  raises: ({ raises, naive }: Assessment): Table => ({
    columns: [
      ...['rule', 'raised', 'open'],
      ...['right', 'graded', 'precision', 'precision_low', 'precision_high'],
      ...['warned', 'left', 'coverage', 'coverage_low', 'coverage_high'],
    ],
    rows: Object.entries({ raises, naive }).map(([rule, { raised, open, precision, coverage }]) => [
      ...[rule, raised, open],
      ...proportionCells(precision),
      ...proportionCells(coverage),
    ]),
  }),
  calibration: ({ calibration: { learned, score } }: Assessment): Table => ({
    columns: ['probability', 'low', 'high', 'mean_predicted', 'left', 'n', 'observed', 'observed_low', 'observed_high'],
    rows: Object.entries({ learned, score }).flatMap(([name, told]) =>
      (told?.bins ?? []).map(({ low, high, meanPredicted, observed }) => [
        ...[name, low, high, meanPredicted],
        ...proportionCells(observed),
      ]),
    ),
  }),
  missed: ({ missed: { items } }: Assessment): Table => ({
    columns: ['account', 'left_on', 'mrr_minor', 'currency', 'last_day', 'last_score', 'churn_probability', 'drivers'],
    rows: items.map(({ accountId, leftOn, mrrMinor, currency, lastDay, lastScore, churnProbability, drivers }) => [
      ...[accountId, leftOn, mrrMinor, currency, lastDay, lastScore, churnProbability],
      drivers
        .filter(({ points }) => points < 0)
        .map(({ text }) => text)
        .join('; '),
    ]),
  }),
}
