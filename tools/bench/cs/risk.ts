/**
 * Scoreboard row 15 on the simulated product log: risk raised from the health score day by day, by weights fitted on one
 * side of the accounts and for the accounts of the other, beside the same score with a plain threshold.
 *
 * Raised again: raised at most 14 days after the last episode ended. Right: the account cancels within the days of a grade;
 * a raise too near the end of the log to tell is in neither. Covered: a cancellation of an account that had been scored for
 * two weeks, with an episode raised in those days before it. Per organisation-year: of days on which accounts were scored.
 */

import { closeDay } from '@plimsoll/customer-success/domain/health/close.ts'
import { ONBOARDING_DAYS } from '@plimsoll/customer-success/domain/health/configuration.ts'
import { LEAST_CONFIDENCE } from '@plimsoll/customer-success/domain/health/score.ts'
import {
  evaluateRisk,
  GRADE_DAYS,
  gradeOf,
  RISK_RULES,
  type RiskEvaluation,
  type RiskRules,
  type RiskState,
} from '@plimsoll/customer-success/domain/risk.ts'
import { type HealthSim, healthSim } from './health.ts'
import type { CsRow } from './rows.ts'

const AGAIN_DAYS = 14
const SCORED_DAYS = 14

/** Below 40 is at risk, anything else is not, from one day to the next. */
const THRESHOLD: RiskRules = {
  ...{ halfLifeDays: 1e-3, enterBelow: 40, enterAfter: 1 },
  ...{ leaveFrom: 40, leaveAfter: 1, cooldownDays: 0 },
}

export function riskRows(data: string): CsRow[] {
  const health = healthSim(data)
  if (health === undefined) return []
  const accounts = evaluationsOf(health)
  const naive = resultOf(health, accounts, THRESHOLD)
  const ours = resultOf(health, accounts, RISK_RULES)
  const row = { bench: '15' }
  const pair = (
    measure: string,
    of: (result: Result) => number,
    unit: string,
    asked: { baseline: string; goal: string; holds: (value: number) => boolean },
  ): CsRow[] => [
    { ...row, rule: 'score < 40', measure, value: of(naive), unit },
    {
      ...{ ...row, rule: 'episodes', measure, value: of(ours), unit },
      ...{ baseline: asked.baseline, goal: asked.goal, met: asked.holds(of(ours)) },
      detail: `${ours.raised} raised, ${ours.right} right, ${ours.wrong} wrong; ${health.sides.name}`,
    },
  ]
  return [
    ...pair('raised again in 14 d', ({ again, raised }) => (100 * again) / raised, '%', {
      ...{ baseline: '38 % naive, 0 % smoothed', goal: '<= 2', holds: (value) => value <= 2 },
    }),
    ...pair('precision', ({ right, wrong }) => right / (right + wrong), '', {
      ...{ baseline: '.19 naive, .23 smoothed', goal: '>= 0.30', holds: (value) => value >= 0.3 },
    }),
    ...pair('coverage', ({ covered, cancelled }) => (100 * covered) / cancelled, '%', {
      ...{ baseline: '83 % naive, 28 % smoothed', goal: '>= 45', holds: (value) => value >= 45 },
    }),
    ...pair('raised', ({ raised, days }) => (365 * raised) / days, '/organisation-year', {
      ...{ baseline: '5.7 naive, 1.0 smoothed', goal: '<= 1.5', holds: (value) => value <= 1.5 },
    }),
  ]
}

/** What the ticker `risk` would be given of each held-out account, day by day. */
function evaluationsOf({ sim, sides, fitted }: HealthSim): ReadonlyMap<string, readonly RiskEvaluation[]> {
  const accounts = new Map<string, RiskEvaluation[]>()
  for (let day = 0; day <= sim.lastDay; day++) {
    for (const { snapshot, health, hard } of closeDay(sim.snapshotsAt(day), fitted).accounts) {
      const { accountId, startedDay } = snapshot
      if (!sides.isHeldOut(accountId) || day - startedDay < ONBOARDING_DAYS) continue
      const evaluations = accounts.get(accountId) ?? []
      if (evaluations.length === 0) accounts.set(accountId, evaluations)
      const score = health.confidence < LEAST_CONFIDENCE ? undefined : health.score
      evaluations.push({ day, score, probability: undefined, hard, isCancelled: false })
    }
  }
  return accounts
}

type Result = {
  raised: number
  again: number
  right: number
  wrong: number
  covered: number
  cancelled: number
  days: number
}

function resultOf(
  { sim, cancelDays }: HealthSim,
  accounts: ReadonlyMap<string, readonly RiskEvaluation[]>,
  rules: RiskRules,
): Result {
  const result = { raised: 0, again: 0, right: 0, wrong: 0, covered: 0, cancelled: 0, days: 0 }
  for (const [accountId, evaluations] of accounts) {
    const cancelDay = cancelDays.get(accountId)
    const raisedDays: number[] = []
    let clearedDay = Number.NEGATIVE_INFINITY
    let state: RiskState | undefined
    for (const evaluation of evaluations) {
      const next = evaluateRisk(state, evaluation, rules)
      state = next.state
      const { day } = evaluation
      if (next.change?.kind === 'cleared') clearedDay = day
      if (next.change?.kind !== 'raised') continue
      raisedDays.push(day)
      if (day - clearedDay <= AGAIN_DAYS) result.again++
      const grade = gradeOf(day, cancelDay, sim.lastDay)
      if (grade !== undefined) result[grade]++
    }
    result.days += evaluations.length
    result.raised += raisedDays.length
    if (cancelDay === undefined || evaluations.length < SCORED_DAYS) continue
    result.cancelled++
    if (raisedDays.some((day) => day >= cancelDay - GRADE_DAYS)) result.covered++
  }
  return result
}
