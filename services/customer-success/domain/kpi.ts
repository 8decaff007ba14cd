/** The figures a customer success team is measured by; each with its definition, its interval and what is aimed at. */

import { type AdoptionRules, breadthOf } from './adoption.ts'
import { type Interval, rateOf, wilson } from './effect/proportions.ts'
import type { Standing } from './health/movement.ts'
import type { AccountSnapshot } from './snapshot.ts'
import { happenedWithin, medianOf, survivalOf } from './survival.ts'

export type Kpi = {
  readonly name: string
  readonly definition: string
  /** Undefined when there is nothing to take it of. */
  readonly value: number | undefined
  readonly interval: Interval | undefined
  readonly n: number
  readonly target: string
  readonly isMet: boolean | undefined
}

/** How long before churn counts from. */
export const KPI_MONTH_DAYS = 28

/** `now` and `before` are snapshots of all accounts at the end of a day and of the day a month earlier. */
export function kpisOf(
  now: readonly AccountSnapshot[],
  before: readonly AccountSnapshot[],
  rules: AdoptionRules,
): Kpi[] {
  const running = now.filter(isRunning)
  return [churn(now, before), engagement(running), coreAdoption(running, rules), nps(running), timeToValue(now)]
}

/** Mean score of a day: each account alike, and each by its revenue; revenues of several currencies are not added up. */
export function healthKpis(standings: readonly Standing[]): Kpi[] {
  const scored = standings.flatMap(({ score, ...rest }) => (score === undefined ? [] : [{ ...rest, score }]))
  const scores = scored.map(({ score }) => score)
  const value = mean(scores)
  const aimed = (of: number | undefined) => ({ target: '> 70', isMet: of === undefined ? undefined : of > 70 })
  const kpis: Kpi[] = [
    {
      ...{ name: 'health', definition: 'mean health score, each account alike', n: scores.length },
      ...{ value, interval: meanInterval(scores), ...aimed(value) },
    },
  ]
  const paying = scored.filter(({ mrrMinor }) => mrrMinor > 0)
  for (const [currency, own] of [...Map.groupBy(paying, (one) => one.currency)].sort()) {
    const revenue = own.reduce((sum, { mrrMinor }) => sum + mrrMinor, 0)
    const weighted = own.reduce((sum, { mrrMinor, score }) => sum + mrrMinor * score, 0) / revenue
    kpis.push({
      ...{ name: `health by revenue in ${currency}`, definition: 'mean health score, weighted by monthly revenue' },
      ...{ n: own.length, value: weighted, interval: undefined, ...aimed(weighted) },
    })
  }
  return kpis
}

const isRunning = ({ subscription, day }: AccountSnapshot): boolean =>
  subscription === undefined || (subscription.cancelledDay ?? Infinity) > day

function churn(now: readonly AccountSnapshot[], before: readonly AccountSnapshot[]): Kpi {
  const after = new Map(now.map((snapshot) => [snapshot.accountId, snapshot]))
  const started = before.filter(isRunning)
  const lost = started.filter(({ accountId }) => {
    const snapshot = after.get(accountId)
    return snapshot !== undefined && !isRunning(snapshot)
  })
  return share('churn', 'accounts under contract 28 days ago that are not now / those accounts', {
    ...{ successes: lost.length, n: started.length, target: '< 0.03' },
    isMet: (rate) => rate < 0.03,
  })
}

function engagement(running: readonly AccountSnapshot[]): Kpi {
  const active = running.filter(({ activity }) => activity.users28 > 0)
  return share('engagement', 'accounts with an active person in 28 days / accounts under contract', {
    ...{ successes: active.length, n: running.length, target: '> 0.75' },
    isMet: (rate) => rate > 0.75,
  })
}

function coreAdoption(running: readonly AccountSnapshot[], rules: AdoptionRules): Kpi {
  const breadths = running
    .filter(({ day, startedDay }) => day - startedDay >= rules.rampDays)
    .flatMap((snapshot) => breadthOf(snapshot, rules) ?? [])
  const definition = 'mean share of the core features an account is entitled to that it uses in 28 days'
  const value = mean(breadths)
  return {
    ...{ name: 'core adoption', definition, value, interval: meanInterval(breadths), n: breadths.length },
    ...{ target: '> 0.6', isMet: value === undefined ? undefined : value > 0.6 },
  }
}

/** Promoters (9, 10) minus detractors (0 to 6), in points. */
function nps(running: readonly AccountSnapshot[]): Kpi {
  const answers = running.flatMap((snapshot) => snapshot.nps.map(({ score }) => npsPoints(score)))
  const definition = 'promoters minus detractors, latest answer of each user in 90 days, points'
  const value = mean(answers)
  return {
    ...{ name: 'nps', definition, value, interval: meanInterval(answers), n: answers.length },
    ...{ target: '> 50', isMet: value === undefined ? undefined : value > 50 },
  }
}

export const npsPoints = (score: number): number => (score >= 9 ? 100 : score <= 6 ? -100 : 0)

function timeToValue(now: readonly AccountSnapshot[]): Kpi {
  const steps = survivalOf(
    now.map(({ day, startedDay, features }) => {
      const used = features.filter(({ isCore, firstDay }) => isCore && firstDay !== undefined)
      const first = Math.min(...used.map(({ firstDay }) => Math.max(firstDay ?? Infinity, startedDay)))
      return first === Infinity
        ? { days: day - startedDay, isObserved: false }
        : { days: first - startedDay, isObserved: true }
    }),
  )
  const value = medianOf(steps)
  const within = happenedWithin(steps, 7)
  return {
    name: 'time to value',
    definition: `days until half of all accounts have used a core feature, Kaplan-Meier; ${(100 * within).toFixed(0)} % within 7 days`,
    value,
    interval: undefined,
    n: now.length,
    target: '< 7',
    isMet: now.length === 0 ? undefined : value !== undefined && value < 7,
  }
}

type Share = {
  readonly successes: number
  readonly n: number
  readonly target: string
  isMet(rate: number): boolean
}

function share(name: string, definition: string, { successes, n, target, isMet }: Share): Kpi {
  const value = n === 0 ? undefined : rateOf({ successes, n })
  return {
    ...{ name, definition, value, interval: n === 0 ? undefined : wilson({ successes, n }), n, target },
    isMet: value === undefined ? undefined : isMet(value),
  }
}

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length

/** Normal approximation; two values are the fewest that show a spread. */
function meanInterval(values: readonly number[]): Interval | undefined {
  const middle = mean(values)
  if (middle === undefined || values.length < 2) return undefined
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0)
  const half = 1.959964 * Math.sqrt(squares / (values.length - 1) / values.length)
  return { low: middle - half, high: middle + half }
}
