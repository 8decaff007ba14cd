/**
 * What the learned-model benches share: the split by key, training on one side, the table of what the other side shows.
 *
 * Key bucket = first 8 hex digits of sha256("cs-v1:" + key) mod 100. Buckets of 70 and above are scored when some are
 * there; otherwise the upper 30 of every 100 that are, so that any folder of this layout has both sides.
 */

import { createHash } from 'node:crypto'
import { type Estimate, type Evidence, evidenceOf } from '@plimsoll/customer-success/domain/learn/evidence.ts'
import { type ChurnModel, probabilities, trainChurnModel } from '@plimsoll/customer-success/domain/learn/model.ts'
import { placesWhere, type Rows, takeRows } from '@plimsoll/customer-success/domain/learn/rows.ts'
import type { CsRow } from './rows.ts'

export const bucketOf = (key: string): number =>
  Number.parseInt(createHash('sha256').update(`cs-v1:${key}`).digest('hex').slice(0, 8), 16) % 100

export type Sides = {
  readonly isHeldOut: (key: string) => boolean
  /** For the table. */
  readonly name: string
}

const HELD_OUT_FROM = 70

export function sidesOf(keys: Iterable<string>): Sides {
  const buckets = new Map<string, number>()
  for (const key of keys) if (!buckets.has(key)) buckets.set(key, bucketOf(key))
  const there = [...new Set(buckets.values())].sort((a, b) => a - b)
  const [least = 0, most = 0] = [there.at(0), there.at(-1)]
  const isWhole = least < HELD_OUT_FROM && most >= HELD_OUT_FROM
  const from = isWhole ? HELD_OUT_FROM : (there[Math.floor(there.length * 0.7)] ?? 0)
  return {
    isHeldOut: (key) => (buckets.get(key) ?? bucketOf(key)) >= from,
    name: `trained on buckets ${least}-${from - 1}, scored on ${from}-${most}`,
  }
}

export type Scored = {
  readonly model: ChurnModel
  readonly evidence: Evidence
  readonly name: string
  readonly trainSeconds: number
}

/**
 * Trains on one side and asks what the other shows beside a simple rule.
 * @param rule column the rule ranks by, with the sign that makes higher mean likelier to churn
 * @param isScored days of the other side that are scored; all by default
 */
export function trainAndScore(
  rows: Rows,
  rule: { readonly name: string; readonly sign: 1 | -1 },
  isScored: (day: number) => boolean = () => true,
): Scored {
  const { isHeldOut, name } = sidesOf(rows.entity)
  const train = takeRows(
    rows,
    placesWhere(rows, (entity) => !isHeldOut(entity)),
  )
  const held = takeRows(
    rows,
    placesWhere(rows, (entity, day) => isHeldOut(entity) && isScored(day)),
  )
  const before = process.cpuUsage().user
  const model = trainChurnModel(train)
  const trainSeconds = (process.cpuUsage().user - before) / 1e6
  const column = rows.names.indexOf(rule.name)
  const evidence = evidenceOf({
    probabilities: probabilities(model, held),
    // What the rule does not know it does not call a risk.
    rule: Float64Array.from(held.columns[column] ?? [], (x) => (Number.isNaN(x) ? -Infinity : rule.sign * x)),
    churned: held.churned,
    entity: held.entity,
  })
  return { model, evidence, name, trainSeconds }
}

export const interval = ({ low, high }: Estimate): string => `[${low.toFixed(3)}, ${high.toFixed(3)}]`

export type Goals = {
  readonly auc?: number
  readonly averagePrecision?: number
  readonly brier?: number
  readonly calibrationError?: number
}

/** The rows of one data set: the rule, then the model with what is asked of it. */
export function evidenceRows(
  bench: string,
  set: string,
  { evidence, name, trainSeconds }: Scored,
  goals: Goals,
  baselines: Readonly<Partial<Record<keyof Goals | 'rule', string>>>,
  ruleName: string,
): CsRow[] {
  const { auc, ruleAuc, gain, rows, churners } = evidence
  const base = (value?: string) => (value === undefined ? {} : { baseline: value })
  const row = (measure: string, key: keyof Goals, value: number, detail: string): CsRow => {
    const goal = goals[key]
    const isRank = key === 'auc' || key === 'averagePrecision'
    const asked =
      goal === undefined ? {} : { goal: `${isRank ? '>=' : '<='} ${goal}`, met: isRank ? value >= goal : value <= goal }
    return {
      bench,
      rule: 'model',
      measure: `${set} ${measure}`,
      value,
      unit: '',
      ...base(baselines[key]),
      ...asked,
      detail,
    }
  }
  return [
    {
      bench,
      rule: ruleName,
      measure: `${set} AUC`,
      value: ruleAuc.value,
      unit: '',
      ...base(baselines.rule),
      detail: interval(ruleAuc),
    },
    row(
      'AUC',
      'auc',
      auc.value,
      `${interval(auc)}, +${gain.value.toFixed(3)} ${interval(gain)} over the rule: ${evidence.verdict}; ${name}`,
    ),
    row('PR-AUC', 'averagePrecision', evidence.averagePrecision, `${churners} churned, ${rows} rows`),
    row('Brier', 'brier', evidence.brier, ''),
    row(
      'ECE',
      'calibrationError',
      evidence.calibrationError,
      `ten bins; trained in ${trainSeconds.toFixed(1)} s of CPU`,
    ),
  ]
}
