import { nullable, time } from '@plimsoll/kit/http/shapes.ts'
import { type Static, Type } from 'typebox'
import type { Account } from '../domain/account.ts'
import { iso } from './shapes.ts'

export const band = Type.Union(
  [Type.Literal('healthy'), Type.Literal('at_risk'), Type.Literal('churn_risk'), Type.Literal('unknown')],
  { description: 'Band of the score: healthy from 70, churn_risk below 40, unknown without a score.' },
)

export const driverSchema = Type.Object({
  component: Type.String(),
  metric: Type.String(),
  before: nullable(Type.Number()),
  after: nullable(Type.Number()),
  points: Type.Number({ description: 'Its part of the change; all lines add up to it.' }),
  text: Type.String(),
})

export const accountSchema = Type.Object({
  accountId: Type.String(),
  name: Type.String({ description: 'Empty when not known, as plan and segment.' }),
  plan: Type.String(),
  segment: Type.String(),
  health: nullable(
    Type.Object({
      at: time('End of the day or hour the score is of.'),
      score: nullable(Type.Number({ description: '0 to 100.' })),
      band,
      confidence: Type.Number({ description: '0 to 1.' }),
      provisional: Type.Boolean({ description: 'Too little is known: no risk is raised from this score.' }),
      trend7: nullable(Type.Number({ description: 'Score minus that of 7 days before.' })),
      trend28: nullable(Type.Number({ description: 'Score minus that of 28 days before.' })),
      churnProbability: nullable(Type.Number()),
      drivers: Type.Array(driverSchema, {
        description: 'Why it moved: in the week before where it is not healthy, else since the score told before.',
      }),
    }),
  ),
  risk: nullable(
    Type.Object({
      episodeId: Type.String(),
      raisedAt: time('When it was raised.'),
      trigger: Type.String({ description: 'score, probability, cancel_requested, payment_failed or silent.' }),
      mrrMinor: Type.Integer({ description: 'Monthly revenue at risk in the minor unit.' }),
      currency: Type.String({ description: 'ISO 4217; may be empty.' }),
      reason: Type.String(),
    }),
  ),
  lag: nullable(
    Type.Object({
      at: time('When it was detected.'),
      breadth: Type.Number({ description: 'Share of the core features it used then.' }),
      expected: Type.Number({ description: 'Median share of accounts like it.' }),
      missing: Type.Array(Type.String(), { description: 'Core features it still does not use.' }),
    }),
  ),
})

export function accountBody({
  accountId,
  name,
  plan,
  segment,
  health,
  risk,
  lag,
}: Account): Static<typeof accountSchema> {
  return {
    ...{ accountId, name, plan, segment },
    health: health === null ? null : { ...health, at: iso(health.at), drivers: [...health.drivers] },
    risk: risk === null ? null : { ...risk, raisedAt: iso(risk.raisedAt) },
    lag: lag === null ? null : { ...lag, at: iso(lag.at), missing: [...lag.missing] },
  }
}
