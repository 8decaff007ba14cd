/** Closes days of event time: scores every account, tells what moved, and corrects what late data changed. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { OutgoingEvent, Ticker } from '@plimsoll/kit/lanes/processor.ts'
import { dayOf, daysUpTo } from '../domain/day.ts'
import { closeDay } from '../domain/health/close.ts'
import type { Configuration } from '../domain/health/configuration.ts'
import { explain, type Line } from '../domain/health/explain.ts'
import type { Readings } from '../domain/health/metrics.ts'
import { bandOf, type Health } from '../domain/health/score.ts'
import type { AccountSnapshot } from '../domain/snapshot.ts'
import {
  daysOfUse,
  type HealthReader,
  progressOf,
  type ScoreRow,
  saveProgress,
  saveScores,
  saveTypical,
  scoresAt,
  scoresOf,
  standingsOn,
} from '../store/health.ts'
import { activeConfiguration, configurationsOf } from '../store/health-configurations.ts'
import { knownBefore, knownOf, saveKnown } from '../store/health-known.ts'
import { loadDays, runsOf } from '../store/snapshot.ts'
import { tables } from '../store/tables.ts'
import { healthOfRow, healthScoreChanged, isProvisional } from './health-changed.ts'
import { mustWaitForUsage, notWaiting, type UsageWaiting } from './usage-waiting.ts'

/** A score is told again once it, or its trend, is a point from what was told last, however slowly; or in another band. */
const TOLD_POINTS = 1
/** A past score that late data moves by more than this is corrected. */
const CORRECTED_POINTS = 2
/**
 * Days after its close a day is looked at again, if anything has come to light of it: most late data comes the next day,
 * then with an end of a week.
 */
const LOOK_AGAIN_DAYS = [1, 7, 28]

export const healthTicker: Ticker<UsageWaiting> = {
  name: 'health',
  version: 1,
  lanes: 1,
  everyMs: 2_000,
  load: async () => notWaiting(),
  async tick(waiting, tx, { now }) {
    if (await mustWaitForUsage(tx, waiting, now())) return {}
    const use = await daysOfUse(tx, dayOf(now()))
    if (use === undefined) return {}
    const closed = await progressOf(tx, 'health')
    const first = closed === undefined ? use.first : closed + 1
    // A day is over once somebody came on a later one: event time, whatever the clock of this machine says.
    const [days] = await runsOf(tables(tx), daysUpTo(first, use.last - 1))
    if (days === undefined) return {}
    const again = LOOK_AGAIN_DAYS.flatMap((back) => days.map((day) => day - back))
    const past = [...new Set(again)].filter((day) => day >= use.first && day < first).sort((a, b) => a - b)
    // Asked for first: what comes while days are scored makes them differ the next time.
    const [before, known] = [await knownBefore(tx, past), await knownOf(tx, [...past, ...days])]
    const events = await scoreDays(tx, days)
    const late = past.filter((day) => before.get(day) !== known.get(day))
    for (const run of await runsOf(tables(tx), late)) events.push(...(await correctDays(tx, run)))
    await saveKnown(tx, known)
    await saveProgress(tx, 'health', days.at(-1) ?? first)
    return { events }
  },
}

/** Days in a row: what a day's accounts scored is what the next one compares with. */
async function scoreDays(tx: WorkerTransaction, days: readonly number[]): Promise<OutgoingEvent[]> {
  const db = tables(tx)
  const events: OutgoingEvent[] = []
  let before: ReadonlyMap<string, ScoreRow> | undefined
  for await (const [day, snapshots] of loadDays(db, days)) {
    before ??= await scoresAt(db, day - 1)
    const configuration = await activeConfiguration(tx)
    const week = await scoresByAccount(db, day - 7)
    const { rows, news, typical } = scoreDay(day, snapshots, { before, week }, configuration)
    events.push(...(await tell(db, day, configuration, news)))
    await saveScores(tx, rows)
    await saveTypical(tx, day, typical)
    before = new Map(rows.map((row) => [row.account_id, row]))
  }
  return events
}

function scoreDay(
  day: number,
  snapshots: readonly AccountSnapshot[],
  { before, week }: { readonly before: ReadonlyMap<string, ScoreRow>; readonly week: ReadonlyMap<string, number> },
  configuration: Configuration,
): { readonly rows: ScoreRow[]; readonly news: News[]; readonly typical: ReadonlyMap<string, Readings> } {
  const { accounts, typical } = closeDay(snapshots, configuration)
  const rows: ScoreRow[] = []
  const news: News[] = []
  for (const { snapshot, health, hard } of accounts) {
    const yesterday = before.get(snapshot.accountId)
    const score = health.score ?? null
    const now: LastTold = {
      told_day: day,
      told_score: score,
      told_trend7: difference(score, week.get(snapshot.accountId)),
      told_provisional: isProvisional(health.confidence),
    }
    const isNew = yesterday === undefined || isTold(yesterday, now)
    const row = { ...rowOf(snapshot, health, isNew ? now : yesterday), hard: hard ?? null }
    rows.push(row)
    if (isNew) news.push({ row, snapshot, health, yesterday })
  }
  for (const snapshot of snapshots) {
    const previous = before.get(snapshot.accountId)
    // An account that has left gets one last row, which ends its episode.
    if (snapshot.subscription?.status !== 'cancelled' || previous === undefined || previous.is_cancelled) continue
    rows.push({ ...previous, day, revision: 0, score: null, hard: null, is_cancelled: true })
  }
  return { rows, news, typical }
}

type News = {
  readonly row: ScoreRow
  readonly snapshot: AccountSnapshot
  readonly health: Health
  readonly yesterday: ScoreRow | undefined
}

async function tell(
  db: HealthReader,
  day: number,
  configuration: Configuration,
  news: readonly News[],
): Promise<OutgoingEvent[]> {
  const [month, quarter] = await Promise.all([28, 84].map((back) => scoresByAccount(db, day - back)))
  const lastTold = await scoresOf(
    db,
    new Map(news.flatMap(({ row, yesterday }) => (yesterday ? [[row.account_id, yesterday.told_day]] : []))),
  )
  const ill = news.filter(({ row }) => bandOf(row.score ?? undefined) !== 'healthy')
  const aWeekAgo = await scoresOf(db, new Map(ill.map(({ row }) => [row.account_id, day - 7])))
  const configurations = await configurationsOf(
    db,
    [...lastTold.values(), ...aWeekAgo.values()].map(({ version }) => version),
  )
  const whySince = (then: ScoreRow | undefined, health: Health): readonly Line[] => {
    const configurationThen = then && configurations.get(then.version)
    return then === undefined || configurationThen === undefined
      ? []
      : explain(healthOfRow(then, configurationThen), health, configurationThen)
  }
  return news.map(({ row, snapshot, health, yesterday }) => {
    const id = row.account_id
    const since = (of: ReadonlyMap<string, number> | undefined) => difference(row.score, of?.get(id))
    return healthScoreChanged(row, {
      ...{ snapshot, health, configuration, kind: 'changed', previous: lastTold.get(id) },
      churnProbability: yesterday?.churn_probability ?? null,
      trends: { trend7: row.told_trend7, trend28: since(month), trend84: since(quarter) },
      drivers: whySince(lastTold.get(id), health),
      weekDrivers: whySince(aWeekAgo.get(id), health),
    })
  })
}

async function scoresByAccount(db: HealthReader, day: number): Promise<Map<string, number>> {
  const standings = await standingsOn(db, day)
  return new Map(standings.flatMap(({ accountId, score }) => (score === undefined ? [] : [[accountId, score]])))
}

/** Scores past days by what is known now, with the configurations of then; what differs is appended. */
async function correctDays(tx: WorkerTransaction, days: readonly number[]): Promise<OutgoingEvent[]> {
  const events: OutgoingEvent[] = []
  for await (const [day, snapshots] of loadDays(tables(tx), days)) {
    events.push(...(await correctDay(tx, day, snapshots)))
  }
  return events
}

async function correctDay(
  tx: WorkerTransaction,
  day: number,
  snapshots: readonly AccountSnapshot[],
): Promise<OutgoingEvent[]> {
  const db = tables(tx)
  const known = await scoresAt(db, day)
  const configurations = await configurationsOf(
    db,
    [...known.values()].map(({ version }) => version),
  )
  const rows: ScoreRow[] = []
  const events: OutgoingEvent[] = []
  for (const configuration of configurations.values()) {
    for (const { snapshot, health, hard } of closeDay(snapshots, configuration).accounts) {
      const was = known.get(snapshot.accountId)
      if (was === undefined || was.version !== configuration.version || was.is_cancelled) continue
      const moved = difference(health.score ?? null, was.score)
      if (moved === null ? (health.score ?? null) === was.score : Math.abs(moved) <= CORRECTED_POINTS) continue
      const row = { ...rowOf(snapshot, health, was), hard: hard ?? null, revision: was.revision + 1 }
      rows.push(row)
      const drivers = explain(healthOfRow(was, configuration), health, configuration)
      const trends = { trend7: null, trend28: null, trend84: null }
      events.push(
        healthScoreChanged(row, {
          ...{ snapshot, health, configuration, kind: 'corrected', previous: was, trends, drivers },
          ...{ churnProbability: was.churn_probability, weekDrivers: [] },
        }),
      )
    }
  }
  await saveScores(tx, rows)
  return events
}

const difference = (now: number | null, before: number | null | undefined): number | null =>
  now === null || before === null || before === undefined ? null : now - before

type LastTold = Pick<ScoreRow, 'told_day' | 'told_score' | 'told_trend7' | 'told_provisional'>

function isTold(before: LastTold, now: LastTold): boolean {
  if (bandOf(before.told_score ?? undefined) !== bandOf(now.told_score ?? undefined)) return true
  if (before.told_provisional !== now.told_provisional) return true
  const moved = [difference(now.told_score, before.told_score), difference(now.told_trend7, before.told_trend7)]
  return moved.some((points) => points !== null && Math.abs(points) >= TOLD_POINTS)
}

function rowOf(
  snapshot: AccountSnapshot,
  health: Health,
  { told_day, told_score, told_trend7, told_provisional }: LastTold,
): Omit<ScoreRow, 'hard'> {
  return {
    account_id: snapshot.accountId,
    day: snapshot.day,
    revision: 0,
    version: health.version,
    template: health.template,
    segment: snapshot.segment,
    score: health.score ?? null,
    confidence: health.confidence,
    churn_probability: null,
    readings: health.readings,
    is_cancelled: false,
    mrr_minor: snapshot.mrrMinor,
    currency: snapshot.currency,
    ...{ told_day, told_score, told_trend7, told_provisional },
  }
}
