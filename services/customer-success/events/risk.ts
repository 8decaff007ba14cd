/** Raises and clears churn risk from the days the ticker `model-score` closed, and grades what was raised. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { OutgoingEvent, Ticker } from '@plimsoll/kit/lanes/processor.ts'
import { startOf } from '../domain/day.ts'
import { driversOf } from '../domain/health/drivers.ts'
import type { Line } from '../domain/health/explain.ts'
import { healthBy, LEAST_CONFIDENCE } from '../domain/health/score.ts'
import { episodeId, evaluateRisk, gradeOf, type RiskRules, type RiskState, type RiskTrigger } from '../domain/risk.ts'
import {
  firstScoresSince,
  type HealthReader,
  progressOf,
  type ScoreRow,
  saveProgress,
  scoresAt,
  typicalsAt,
} from '../store/health.ts'
import { configurationsOf } from '../store/health-configurations.ts'
import { lastChurnDay } from '../store/model.ts'
import { closeEpisode, gradeEpisode, openEpisode, riskStates, saveRiskStates, ungradedEpisodes } from '../store/risk.ts'
import { tables } from '../store/tables.ts'
import { closeDays } from './closed-days.ts'
import { driverOf, healthOfRow } from './health-changed.ts'

/** A fall is told against four weeks before: what was then had not begun to fall. */
const BEFORE_DAYS = 28

export function riskTicker(rules: RiskRules): Ticker<null> {
  return {
    name: 'risk',
    version: 1,
    lanes: 1,
    everyMs: 2_000,
    load: async () => null,
    async tick(_, tx, { now }) {
      const [evaluated, upTo] = [await progressOf(tx, 'risk'), await lastChurnDay(tx)]
      if (evaluated === upTo) return {}
      const events: OutgoingEvent[] = []
      const states = await riskStates(tx)
      const last = await closeDays(tx, now, { done: evaluated, upTo }, async (day) => {
        events.push(...(await evaluateDay(tx, day, rules, states)))
        for (const { id, raisedDay, cancelledDay } of await ungradedEpisodes(tx, day)) {
          const grade = gradeOf(raisedDay, cancelledDay, day)
          if (grade !== undefined) await gradeEpisode(tx, id, grade)
        }
      })
      await saveRiskStates(tx, states)
      if (last !== undefined) await saveProgress(tx, 'risk', last)
      return { events }
    },
  }
}

/** Puts what an account is in by the end of the day in place of what it was in. */
async function evaluateDay(
  tx: WorkerTransaction,
  day: number,
  rules: RiskRules,
  states: Map<string, RiskState>,
): Promise<OutgoingEvent[]> {
  const events: OutgoingEvent[] = []
  for (const [accountId, row] of await scoresAt(tables(tx), day)) {
    const { state, change } = evaluateRisk(
      states.get(accountId),
      {
        day,
        score: row.confidence < LEAST_CONFIDENCE ? undefined : (row.score ?? undefined),
        probability: row.churn_probability ?? undefined,
        hard: row.hard ?? undefined,
        isCancelled: row.is_cancelled,
      },
      rules,
    )
    states.set(accountId, state)
    if (change?.kind === 'raised') events.push(await raise(tx, row, state, change.trigger))
    else if (change?.kind === 'cleared') {
      const id = episodeId(accountId, change.raisedDay)
      await closeEpisode(tx, id, day, change.outcome)
      events.push({
        type: 'plimsoll.customer_success.v1.ChurnRiskCleared',
        key: accountId,
        time: endOf(day),
        value: {
          ...{ episodeId: id, accountId, raisedAt: endOf(change.raisedDay), at: endOf(day) },
          outcome: change.outcome,
          score: state.smoothed ?? null,
          reason: change.outcome === 'cancelled' ? 'The contract has ended.' : recoveredText(state, rules),
        },
      })
    }
  }
  return events
}

const endOf = (day: number): number => startOf(day + 1) - 1

const recoveredText = ({ smoothed }: RiskState, rules: RiskRules): string =>
  `Score ${smoothed?.toFixed(0) ?? '?'}, at ${rules.leaveFrom} or above for ${rules.leaveAfter} days.`

async function raise(
  tx: WorkerTransaction,
  row: ScoreRow,
  { smoothed }: RiskState,
  trigger: RiskTrigger,
): Promise<OutgoingEvent> {
  const { account_id: accountId, day } = row
  const [drivers = []] = await driversBehind(tables(tx), [row])
  const score = smoothed ?? null
  const reason = reasonOf(trigger, score, drivers)
  const id = episodeId(accountId, day)
  const revenue = { mrr_minor: row.mrr_minor, currency: row.currency, churn_probability: row.churn_probability }
  await openEpisode(tx, { id, account_id: accountId, raised_day: day, trigger, score, ...revenue, drivers, reason })
  return {
    type: 'plimsoll.customer_success.v1.ChurnRiskRaised',
    key: accountId,
    time: endOf(day),
    value: {
      ...{ episodeId: id, accountId, at: endOf(day), trigger, score, reason },
      churnProbability: row.churn_probability,
      mrrMinor: row.mrr_minor,
      currency: row.currency,
      drivers: drivers.map(driverOf),
    },
  }
}

/**
 * What drove each of these scores, in their order: from four weeks ago, or from the account's first day with a score since
 * then. Both as they are scored now: that weights were fitted in between drives nobody away. As many queries for a hundred
 * as for one.
 */
export async function driversBehind(
  reader: HealthReader,
  rows: readonly ScoreRow[],
): Promise<readonly (readonly Line[])[]> {
  const fourWeeksBefore = rows.map(({ account_id, day }) => ({ accountId: account_id, day: day - BEFORE_DAYS }))
  const [befores, configurations, typicals] = [
    await firstScoresSince(reader, fourWeeksBefore),
    await configurationsOf(
      reader,
      rows.map(({ version }) => version),
    ),
    await typicalsAt(
      reader,
      rows.map(({ day }) => day),
    ),
  ]
  return rows.map((row, i) => {
    const [before, configuration] = [befores[i], configurations.get(row.version)]
    if (before === undefined || before.day === row.day || configuration === undefined) return []
    const then = healthBy(before.readings, row.template, configuration)
    const typical = typicals.get(row.day)?.get(row.segment) ?? {}
    return driversOf(then, healthOfRow(row, configuration), typical, configuration)
  })
}

function reasonOf(trigger: RiskTrigger, score: number | null, drivers: readonly Line[]): string {
  const worst = drivers.find(({ points }) => points < 0)
  const why = worst === undefined ? '' : `: ${worst.text}`
  switch (trigger) {
    case 'score':
      return `Score ${score?.toFixed(0) ?? '?'}${why}.`
    case 'probability':
      return `Likely to leave${why}.`
    case 'cancel_requested':
      return 'The customer asked to cancel.'
    case 'payment_failed':
      return 'The last attempt to collect an invoice failed.'
    case 'silent':
      return 'Nobody has used it for two weeks, where use was daily.'
  }
}
