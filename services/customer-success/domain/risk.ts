/** Risk episodes: when an account is said to be at risk and when it no longer is, one evaluation a day. */

import type { AccountSnapshot } from './snapshot.ts'

export type RiskTrigger = 'score' | 'probability' | 'cancel_requested' | 'payment_failed' | 'silent'

export type RiskRules = {
  /** The smoothed score forgets half of what it was in so many days. */
  readonly halfLifeDays: number
  readonly enterBelow: number
  readonly enterAfter: number
  /** Above where it was raised, so that a score that hovers there does not flap. */
  readonly leaveFrom: number
  readonly leaveAfter: number
  readonly cooldownDays: number
  /** Learned probability that raises as a low score does; undefined: only the score does. */
  readonly probability?: number | undefined
}

export const RISK_RULES: RiskRules = {
  halfLifeDays: 2.5,
  enterBelow: 40,
  enterAfter: 2,
  leaveFrom: 47,
  leaveAfter: 3,
  cooldownDays: 14,
}

export type RiskState = {
  /** The last day that was evaluated. */
  readonly day: number
  readonly smoothed: number | undefined
  /** Successive evaluations that ask to enter, or to leave. */
  readonly entering: number
  readonly leaving: number
  readonly raised: { readonly day: number; readonly trigger: RiskTrigger } | undefined
  /** No episode begins from a score up to this day. */
  readonly quietUntil: number
  /** A hard event that has been told, until it is over: it does not raise twice. */
  readonly toldHard: RiskTrigger | undefined
}

export type RiskEvaluation = {
  readonly day: number
  /** Undefined when there is none, or only a provisional one: nothing is raised or cleared by it. */
  readonly score: number | undefined
  readonly probability: number | undefined
  /** What asks for no evaluation twice. */
  readonly hard: RiskTrigger | undefined
  readonly isCancelled: boolean
}

export type RiskChange =
  | { readonly kind: 'raised'; readonly trigger: RiskTrigger }
  | { readonly kind: 'cleared'; readonly raisedDay: number; readonly outcome: 'recovered' | 'cancelled' }

const FIRST: Omit<RiskState, 'day'> = {
  smoothed: undefined,
  entering: 0,
  leaving: 0,
  raised: undefined,
  quietUntil: -1,
  toldHard: undefined,
}

/**
 * One evaluation later. A day that was evaluated before changes nothing, so that a repeated run raises nothing twice.
 * @param state undefined before the first
 */
export function evaluateRisk(
  state: RiskState | undefined,
  evaluation: RiskEvaluation,
  rules: RiskRules = RISK_RULES,
): { readonly state: RiskState; readonly change: RiskChange | undefined } {
  const before = state ?? { ...FIRST, day: Number.NEGATIVE_INFINITY }
  const { day, hard, isCancelled } = evaluation
  if (day <= before.day) return { state: before, change: undefined }
  const smoothed = smooth(before, evaluation, rules)
  const asks = askedBy(smoothed, evaluation, rules)
  const isWell = smoothed !== undefined && smoothed >= rules.leaveFrom && asks === undefined && hard === undefined
  const next: RiskState = {
    ...before,
    day,
    smoothed,
    entering: asks === undefined ? 0 : before.entering + 1,
    leaving: isWell ? before.leaving + 1 : 0,
    toldHard: hard,
  }
  if (before.raised !== undefined) {
    const { raised } = before
    if (!isCancelled && next.leaving < rules.leaveAfter) return { state: next, change: undefined }
    const outcome = isCancelled ? 'cancelled' : 'recovered'
    return {
      state: { ...next, entering: 0, leaving: 0, raised: undefined, quietUntil: day + rules.cooldownDays },
      change: { kind: 'cleared', raisedDay: raised.day, outcome },
    }
  }
  if (isCancelled) return { state: next, change: undefined }
  const isNewHard = hard !== undefined && hard !== before.toldHard
  const isDue = next.entering >= rules.enterAfter && day > before.quietUntil
  const trigger = isNewHard ? hard : isDue ? asks : undefined
  if (trigger === undefined) return { state: next, change: undefined }
  return { state: { ...next, leaving: 0, raised: { day, trigger } }, change: { kind: 'raised', trigger } }
}

/** Exponential smoothing by days that passed, so that a missed evaluation does not make the past weigh more. */
function smooth(before: RiskState, { day, score }: RiskEvaluation, { halfLifeDays }: RiskRules): number | undefined {
  if (score === undefined || before.smoothed === undefined) return score ?? before.smoothed
  const kept = 2 ** (-(day - before.day) / halfLifeDays)
  return kept * before.smoothed + (1 - kept) * score
}

function askedBy(smoothed: number | undefined, { score, probability }: RiskEvaluation, rules: RiskRules) {
  if (score !== undefined && smoothed !== undefined && smoothed < rules.enterBelow) return 'score'
  const isLikely = probability !== undefined && rules.probability !== undefined && probability >= rules.probability
  return isLikely ? 'probability' : undefined
}

/** Two weeks without use are a hard event where use is daily: on most working days of the month before. */
const SILENT_DAYS = 14
const DAILY_SHARE = 0.5
const BEFORE_DAYS = 28

/** The hard event an account is in, if any: what needs no score to be told. */
export function hardEventOf({ subscription, invoices, activity, day }: AccountSnapshot): RiskTrigger | undefined {
  if (subscription?.status === 'cancel_requested') return 'cancel_requested'
  const paid = Math.max(
    ...invoices.map(({ dueDay, status }) => (status === 'paid' ? dueDay : Number.NEGATIVE_INFINITY)),
  )
  if (invoices.some(({ dueDay, status }) => status === 'final_failed' && dueDay > paid)) return 'payment_failed'
  if (activity.lastDay === undefined || day - activity.lastDay < SILENT_DAYS) return undefined
  const end = activity.users.length - (day - activity.lastDay)
  const active = activity.users.subarray(Math.max(0, end - BEFORE_DAYS), Math.max(0, end)).filter((n) => n > 0).length
  return active >= BEFORE_DAYS * DAILY_SHARE ? 'silent' : undefined
}

/** Account and day it was raised: the same episode has the same id however often it is told. */
export const episodeId = (accountId: string, raisedDay: number): string => `${accountId}@${raisedDay}`

/** An account that leaves within this many days of the raise proves it right. */
export const GRADE_DAYS = 60

export type Grade = 'right' | 'wrong'

/** Undefined while it is too early to tell. */
export function gradeOf(raisedDay: number, cancelledDay: number | undefined, today: number): Grade | undefined {
  if (cancelledDay !== undefined && cancelledDay <= raisedDay + GRADE_DAYS) return 'right'
  return today > raisedDay + GRADE_DAYS ? 'wrong' : undefined
}
