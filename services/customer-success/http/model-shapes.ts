/** What the learned model says of an account, as the routes of health and risk show it. */

import { nullable } from '@plimsoll/kit/http/shapes.ts'
import { type Static, Type } from 'typebox'
import { isoDay } from '../domain/day.ts'
import type { Learned } from '../store/model.ts'
import { day } from './analytics-shapes.ts'

export const learnedSchema = Type.Object(
  {
    day: day('The day at whose end this was known.'),
    modelVersion: Type.Integer(),
    probability: Type.Number({ description: 'Of leaving 8 to 37 days after that day.' }),
    baseLogOdds: Type.Number({ description: 'Of any account; with all drivers, the log odds of the probability.' }),
    drivers: Type.Array(
      Type.Object({
        feature: Type.String(),
        value: nullable(Type.Number({ description: 'Null: not known, which may say something as well.' })),
        logOdds: Type.Number({ description: 'What it adds; above 0 makes leaving likelier.' }),
      }),
      { description: 'All of them, the strongest first.' },
    ),
  },
  { description: 'The sum of base and drivers is exact.' },
)

export function learnedBody(learned: Learned | undefined): Static<typeof learnedSchema> | null {
  if (learned === undefined) return null
  const { day: asOf, version, probability, base, drivers } = learned
  return {
    ...{ day: isoDay(asOf), modelVersion: version, probability, baseLogOdds: base },
    drivers: [...drivers]
      .sort((a, b) => Math.abs(b.logOdds) - Math.abs(a.logOdds))
      .map(({ feature, value, logOdds }) => ({ feature, value: Number.isFinite(value) ? value : null, logOdds })),
  }
}
