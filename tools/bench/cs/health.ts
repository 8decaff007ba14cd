/**
 * Scoreboard rows 12 (transparent), 13 and 14 on the simulated product log: the health score as the service closes days,
 * its weights fitted on one side of the accounts and scored on the other, the default weights beside them.
 *
 * 12, 13: every week, accounts of at least 28 days; churned = cancels in (T + 7, T + 37], those that cancel within the lead
 * left out. 14: for every episode with a planted cause, the drivers from the day before it began to three weeks later (or
 * to the day before the cancellation); a driver's cause is that of its metric, and the largest loss names it.
 */

import { backtest, type Fate, fateOf } from '@plimsoll/customer-success/domain/health/backtest.ts'
import { closeDay } from '@plimsoll/customer-success/domain/health/close.ts'
import { type Configuration, ONBOARDING_DAYS } from '@plimsoll/customer-success/domain/health/configuration.ts'
import { driversOf, standardOf } from '@plimsoll/customer-success/domain/health/drivers.ts'
import type { Line } from '@plimsoll/customer-success/domain/health/explain.ts'
import { fitTemplate } from '@plimsoll/customer-success/domain/health/fit.ts'
import { type Component, METRICS, type MetricName } from '@plimsoll/customer-success/domain/health/metrics.ts'
import { healthBy } from '@plimsoll/customer-success/domain/health/score.ts'
import { DEFAULT_CONFIGURATION } from '@plimsoll/customer-success/domain/health/templates.ts'
import { evidenceOf } from '@plimsoll/customer-success/domain/learn/evidence.ts'
import { type Cssim, type CssimOutcome, loadCssim } from './cssim.ts'
import { interval, type Sides, sidesOf } from './learn.ts'
import type { CsRow } from './rows.ts'

const EVERY_DAYS = 7
const TEMPLATE = 'standard'

export type HealthSim = {
  readonly sim: Cssim
  readonly sides: Sides
  readonly cancelDays: ReadonlyMap<string, number | undefined>
  /** Weekly, all accounts. */
  readonly fates: readonly Fate[]
  /** Weights and scale of the accounts that are not held out. */
  readonly fitted: Configuration
}

const loaded = new Map<string, HealthSim | undefined>()

/** Read and fitted once for all rows. */
export function healthSim(data: string): HealthSim | undefined {
  if (!loaded.has(data)) loaded.set(data, loadHealthSim(data))
  return loaded.get(data)
}

function loadHealthSim(data: string): HealthSim | undefined {
  const sim = loadCssim(data)
  if (sim === undefined) return undefined
  const sides = sidesOf(sim.accounts.map(({ accountId }) => accountId))
  const cancelDays = new Map(sim.accounts.map(({ accountId, subscription }) => [accountId, subscription?.cancelledDay]))
  const fates: Fate[] = []
  for (let day = 0; day <= sim.lastDay; day += EVERY_DAYS) {
    for (const { snapshot, health } of closeDay(sim.snapshotsAt(day), DEFAULT_CONFIGURATION).accounts) {
      const { accountId, startedDay } = snapshot
      const churned = fateOf(day, cancelDays.get(accountId), sim.lastDay)
      if (day - startedDay < ONBOARDING_DAYS || churned === undefined) continue
      fates.push({ accountId, day, template: TEMPLATE, readings: health.readings, churned })
    }
  }
  const known = fates.filter(({ accountId }) => !sides.isHeldOut(accountId))
  const templates = {
    ...DEFAULT_CONFIGURATION.templates,
    [TEMPLATE]: fitTemplate(TEMPLATE, DEFAULT_CONFIGURATION, known),
  }
  return { sim, sides, cancelDays, fates, fitted: { ...DEFAULT_CONFIGURATION, version: 2, templates } }
}

export function healthRows(data: string): CsRow[] {
  const health = healthSim(data)
  if (health === undefined) return []
  const held = health.fates.filter(({ accountId }) => health.sides.isHeldOut(accountId))
  return [...rankRows(health, held), ...bandRows(health, held), ...driverRows(health)]
}

function rankRows({ fitted, sides }: HealthSim, held: readonly Fate[]): CsRow[] {
  const risk = (configuration: Configuration) =>
    Float64Array.from(held, ({ readings }) => 1 - (healthBy(readings, TEMPLATE, configuration).score ?? 50) / 100)
  const { auc, ruleAuc, gain } = evidenceOf({
    probabilities: risk(fitted),
    rule: risk(DEFAULT_CONFIGURATION),
    churned: Uint8Array.from(held, ({ churned }) => (churned ? 1 : 0)),
    entity: held.map(({ accountId }) => accountId),
  })
  const row = { bench: '12', measure: 'cs-sim AUC', unit: '' }
  return [
    { ...row, rule: 'default weights', value: ruleAuc.value, baseline: '.61', detail: interval(ruleAuc) },
    {
      ...row,
      rule: 'health score',
      value: auc.value,
      baseline: '.613 [.584, .644]',
      goal: '>= 0.66',
      met: auc.value >= 0.66,
      detail: `${interval(auc)}, +${gain.value.toFixed(3)} ${interval(gain)} over the default; ${sides.name}`,
    },
  ]
}

function bandRows({ fitted }: HealthSim, held: readonly Fate[]): CsRow[] {
  const asked = {
    churn_risk: { goal: '>= 3 x, >= 5 % of accounts', holds: (x: number, share: number) => x >= 3 && share >= 0.05 },
    healthy: { goal: '<= 0.5 x', holds: (x: number) => x <= 0.5 },
  } as const
  const { bands } = backtest(held, fitted)
  const rows = bands.map(({ band, share, churn, multiple }): CsRow => {
    const goal = band === 'churn_risk' || band === 'healthy' ? asked[band] : undefined
    return {
      bench: '13',
      rule: 'health score',
      measure: `churn of ${band}`,
      value: multiple,
      unit: 'x',
      ...(goal && { goal: goal.goal, met: goal.holds(multiple, share) }),
      detail: `${(100 * churn).toFixed(1)} % of ${(100 * share).toFixed(1)} % of accounts x weeks`,
    }
  })
  const isMonotone = bands.every(({ churn }, i) => churn <= (bands[i - 1]?.churn ?? 1))
  const monotone = { measure: 'churn falls from band to band', value: isMonotone ? 1 : 0, unit: '' }
  return [...rows, { bench: '13', rule: 'health score', ...monotone, goal: '1', met: isMonotone }]
}

const CAUSE_OF_COMPONENT: Readonly<Record<Component, string>> = {
  engagement: 'usage_decline',
  api: 'usage_decline',
  adoption: 'low_adoption',
  support: 'support_pain',
  payment: 'payment_failure',
  sentiment: 'none planted',
}
const causeOf = (metric: MetricName): string =>
  metric === 'champion' ? 'champion_left' : CAUSE_OF_COMPONENT[METRICS[metric].component]

const DRIVER_DAYS = 21

type Episode = CssimOutcome & { readonly riskOnsetDay: number }

function driverRows({ sim, sides, fitted }: HealthSim): CsRow[] {
  const episodes = sim.outcomes.filter(
    (outcome): outcome is Episode =>
      outcome.riskOnsetDay !== undefined && outcome.cause !== 'unexplained' && sides.isHeldOut(outcome.accountId),
  )
  return [DEFAULT_CONFIGURATION, fitted].flatMap((configuration) => {
    const days = closesOf(sim, configuration, episodes.flatMap(daysOf))
    const hits = new Map<string, { first: number; second: number; of: number }>()
    let worst = 0
    for (const episode of episodes) {
      const [from, to] = daysOf(episode).map((day) => days.get(day))
      const [before, after] = [from?.health.get(episode.accountId), to?.health.get(episode.accountId)]
      const typical = to?.typical.get(after?.segment ?? '')
      if (before === undefined || after === undefined || typical === undefined) continue
      const lines = driversOf(before.health, after.health, typical, configuration)
      const change = (after.health.score ?? 0) - (standardOf(before.health, typical, configuration).score ?? 0)
      worst = Math.max(worst, Math.abs(lines.reduce((sum, { points }) => sum + points, 0) - change))
      const causes = causesOf(lines)
      const { cause } = episode
      const hit = hits.get(cause) ?? { first: 0, second: 0, of: 0 }
      hit.of++
      if (causes[0] === cause) hit.first++
      if (causes.slice(0, 2).includes(cause)) hit.second++
      hits.set(cause, hit)
    }
    const total = (count: 'first' | 'second' | 'of') => [...hits.values()].reduce((sum, hit) => sum + hit[count], 0)
    const detail = [...hits].map(([cause, { first, second, of }]) => `${cause} ${first}/${second}/${of}`).join(', ')
    const [first, second] = [total('first') / total('of'), total('second') / total('of')]
    const isShipped = configuration === DEFAULT_CONFIGURATION
    const row = { bench: '14', rule: isShipped ? 'default weights' : 'fitted weights', unit: '' }
    const asked = (goal: number, value: number) => (isShipped ? { goal: `>= ${goal}`, met: value >= goal } : {})
    return [
      {
        ...row,
        measure: 'first driver is the planted cause',
        value: first,
        baseline: '.633',
        ...asked(0.8, first),
        detail,
      },
      { ...row, measure: 'first or second is', value: second, baseline: '.786', ...asked(0.93, second) },
      { ...row, measure: 'lines miss the sum by at most', value: worst, goal: '<= 1e-9', met: worst <= 1e-9 },
    ]
  })
}

const daysOf = ({ riskOnsetDay, cancelDay }: Episode): [number, number] => [
  riskOnsetDay - 1,
  Math.min(riskOnsetDay + DRIVER_DAYS, (cancelDay ?? Number.POSITIVE_INFINITY) - 1),
]

/** Established accounts on these days. */
function closesOf(sim: Cssim, configuration: Configuration, days: readonly number[]) {
  return new Map(
    [...new Set(days)]
      .filter((day) => day >= 0 && day <= sim.lastDay)
      .map((day) => {
        const { accounts, typical } = closeDay(sim.snapshotsAt(day), configuration)
        const established = accounts.filter(({ health }) => health.template === TEMPLATE)
        const health = new Map(
          established.map(
            ({ snapshot, health }) => [snapshot.accountId, { health, segment: snapshot.segment }] as const,
          ),
        )
        return [day, { health, typical }] as const
      }),
  )
}

/** Causes by the points lost to their metrics, most first. */
function causesOf(lines: readonly Line[]): string[] {
  const lost = new Map<string, number>()
  for (const { metric, points } of lines) {
    if (metric === '') continue
    const cause = causeOf(metric)
    lost.set(cause, (lost.get(cause) ?? 0) + points)
  }
  return [...lost].sort(([, a], [, b]) => a - b).map(([cause]) => cause)
}
