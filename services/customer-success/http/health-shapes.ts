/** Bodies the routes of health and risk share. */

import { appError } from '@plimsoll/kit/errors.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import { type Static, Type } from 'typebox'
import { isoDay } from '../domain/day.ts'
import type { Line } from '../domain/health/explain.ts'
import { bandOf, LEAST_CONFIDENCE } from '../domain/health/score.ts'
import type { ScoreRow } from '../store/health.ts'
import { day } from './analytics-shapes.ts'

export const accountParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) })

export const noScore = (id: string) =>
  appError(
    'not-found',
    `Account ${id} has no health score yet: the first comes when a day with its usage is over, by the time of its events.`,
  )

export const scoreSchema = Type.Object({
  day: day('The day at whose end it was known.'),
  revision: Type.Integer({ description: '0 = as known then; higher = corrected by data that came late.' }),
  score: nullable(Type.Number({ description: '0 to 100; null when nothing is known.' })),
  category: Type.String({ description: 'healthy (70 and more), at_risk (40 to 69), churn_risk (below 40), unknown.' }),
  confidence: Type.Number({ description: 'Share of the weight that fresh, sufficient data stands behind.' }),
  provisional: Type.Boolean({ description: 'Confidence below 0.5: no risk is raised from it.' }),
  churnProbability: nullable(Type.Number({ description: 'Learned; null when no model is in use.' })),
  configurationVersion: Type.Integer(),
  template: Type.String(),
})

export function scoreBody(row: ScoreRow): Static<typeof scoreSchema> {
  return {
    day: isoDay(row.day),
    revision: row.revision,
    score: row.score,
    category: bandOf(row.score ?? undefined),
    confidence: row.confidence,
    provisional: row.confidence < LEAST_CONFIDENCE,
    churnProbability: row.churn_probability,
    configurationVersion: row.version,
    template: row.template,
  }
}

export const lineSchema = Type.Object({
  component: Type.String({ description: 'A component, or renormalisation or configuration.' }),
  metric: Type.String({ description: 'Empty for a line that is of no metric.' }),
  before: nullable(Type.Number()),
  after: nullable(Type.Number()),
  points: Type.Number({ description: 'Its part of the change; all lines add up to it.' }),
  text: Type.String(),
})

export const lineBody = ({ component, metric, before, after, points, text }: Line): Static<typeof lineSchema> => ({
  ...{ component, metric, points, text },
  before: before ?? null,
  after: after ?? null,
})
