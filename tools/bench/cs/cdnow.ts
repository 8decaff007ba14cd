/**
 * Scoreboard row 11: who buys nothing in the next 39 weeks (CDNOW, real purchases, no contract). Everybody first bought in
 * the first quarter of 1997; known until 1997-09-30. BG/NBD is checked on the published sample and stands beside the model.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type BgNbd, chanceAlive, chanceSilent, fitBgNbd } from '@plimsoll/customer-success/domain/learn/bgnbd.ts'
import { type Example, type Rows, rowsOf } from '@plimsoll/customer-success/domain/learn/rows.ts'
import { csvRows } from '../detect/csv.ts'
import { evidenceRows, sidesOf, trainAndScore } from './learn.ts'
import type { CsRow } from './rows.ts'

const DAY_MS = 86_400_000
const CUT = Date.UTC(1997, 8, 30) / DAY_MS
const HORIZON_DAYS = 39 * 7
/** Fader, Hardie and Lee 2005, table 2: the estimates on the sample of 2,357. */
const PUBLISHED = { r: 0.2426, alpha: 4.4135, a: 0.7929, b: 2.4258, logLikelihood: -9582.4 }

export type Purchase = { readonly day: number; readonly items: number; readonly value: number }

export function cdnowRows(data: string): CsRow[] {
  const folder = join(data, 'customer-success')
  const [sample, master] = ['cdnow-sample-summary.csv.gz', 'cdnow-master.csv.gz'].map((file) => join(folder, file))
  const rows: CsRow[] = []
  if (sample !== undefined && existsSync(sample)) rows.push(...publishedRows(sample))
  if (master === undefined || !existsSync(master)) return rows
  const purchases = readPurchases(master)
  const { isHeldOut } = sidesOf(purchases.keys())
  // Parameters are learned on the training side, like everything else.
  const model = fitBgNbd(summaryOf([...purchases].filter(([id]) => !isHeldOut(id)).map(([, list]) => list)))
  const scored = trainAndScore(purchaseRows(purchases, model), { name: 'chanceSilent', sign: 1 })
  const baselines = { auc: 'LR .7726 [.760, .786]' }
  return [...rows, ...evidenceRows('11', 'CDNOW', scored, { auc: 0.785 }, baselines, 'BG/NBD')]
}

function publishedRows(path: string): CsRow[] {
  const table = [...csvRows(path)]
  const column = (at: number): Float64Array => Float64Array.from(table, (cells) => Number(cells[at]))
  const fit = fitBgNbd({ frequency: column(1), recency: column(2), age: column(3) })
  return (['r', 'alpha', 'a', 'b', 'logLikelihood'] as const).map((name) => {
    const off = Math.abs(fit[name] / PUBLISHED[name] - 1)
    return {
      bench: '11',
      rule: 'BG/NBD',
      measure: `CDNOW sample ${name}`,
      value: fit[name],
      unit: '',
      goal: String(PUBLISHED[name]),
      met: off <= 0.005,
      detail: `${(100 * off).toFixed(3)} % off the published value, at most .5 %`,
    }
  })
}

function readPurchases(path: string): Map<string, Purchase[]> {
  const days = new Map<string, Map<number, Purchase>>()
  for (const [id = '', date = '', items, value] of csvRows(path)) {
    const day = Date.UTC(Number(date.slice(0, 4)), Number(date.slice(4, 6)) - 1, Number(date.slice(6, 8))) / DAY_MS
    const own = days.get(id) ?? new Map<number, Purchase>()
    const before = own.get(day) ?? { day, items: 0, value: 0 }
    // Several purchases of a day are one, as in the published summary.
    own.set(day, { day, items: before.items + Number(items), value: before.value + Number(value) })
    days.set(id, own)
  }
  return new Map([...days].map(([id, own]) => [id, [...own.values()].sort((a, b) => a.day - b.day)]))
}

const known = (list: readonly Purchase[]): Purchase[] => list.filter(({ day }) => day <= CUT)

/** Frequency, recency and age in weeks. */
function summaryOf(customers: readonly (readonly Purchase[])[]) {
  const summaries = customers.map((list) => standing(known(list)))
  return {
    frequency: Float64Array.from(summaries, ({ frequency }) => frequency),
    recency: Float64Array.from(summaries, ({ recencyWeeks }) => recencyWeeks),
    age: Float64Array.from(summaries, ({ ageWeeks }) => ageWeeks),
  }
}

function standing(list: readonly Purchase[]) {
  const [first = CUT, last = CUT] = [list.at(0)?.day, list.at(-1)?.day]
  return { frequency: list.length - 1, recencyWeeks: (last - first) / 7, ageWeeks: (CUT - first) / 7 }
}

export function purchaseRows(purchases: ReadonlyMap<string, readonly Purchase[]>, model: BgNbd): Rows {
  const names: string[] = []
  const examples = [...purchases].map(([entity, all]): Example => {
    const features = featuresOfCustomer(known(all), model)
    if (names.length === 0) names.push(...Object.keys(features))
    return {
      entity,
      day: CUT,
      features: Float64Array.from(Object.values(features)),
      churned: !all.some(({ day }) => day > CUT && day <= CUT + HORIZON_DAYS),
    }
  })
  return rowsOf(names, examples)
}

function featuresOfCustomer(list: readonly Purchase[], model: BgNbd): Record<string, number> {
  const { frequency, recencyWeeks, ageWeeks } = standing(list)
  const [first, last] = [list.at(0), list.at(-1)]
  const recency = CUT - (last?.day ?? CUT)
  const sum = (pick: (purchase: Purchase) => number): number => list.reduce((total, one) => total + pick(one), 0)
  const within = (days: number): number => list.filter(({ day }) => day > CUT - days).length
  const gaps = list.slice(1).map(({ day }, i) => day - (list[i]?.day ?? day))
  const gapMean = gaps.length === 0 ? Number.NaN : (recencyWeeks * 7) / gaps.length
  return {
    chanceSilent: chanceSilent(model, frequency, recencyWeeks, ageWeeks, HORIZON_DAYS / 7),
    chanceAlive: chanceAlive(model, frequency, recencyWeeks, ageWeeks),
    recency,
    age: ageWeeks * 7,
    frequency,
    firstItems: first?.items ?? Number.NaN,
    firstValue: first?.value ?? Number.NaN,
    lastValue: last?.value ?? Number.NaN,
    items: sum(({ items }) => items),
    value: sum(({ value }) => value),
    valueMean: sum(({ value }) => value) / list.length,
    valueTrend: Math.log(((last?.value ?? 0) + 5) / ((first?.value ?? 0) + 5)),
    gapMean,
    gapLongest: gaps.length === 0 ? Number.NaN : Math.max(...gaps),
    gapLast: gaps.at(-1) ?? Number.NaN,
    gapFirst: gaps.at(0) ?? Number.NaN,
    recencyOverGap: recency / (gapMean + 7),
    bought28: within(28),
    bought56: within(56),
    bought84: within(84),
    bought140: within(140),
    faded30: sum(({ day }) => 2 ** ((day - CUT) / 30)),
    faded90: sum(({ day }) => 2 ** ((day - CUT) / 90)),
    fadedValue: sum(({ day, value }) => value * 2 ** ((day - CUT) / 60)),
  }
}
