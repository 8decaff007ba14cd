/** Tells once of each account and feature that it was adopted, or that it is late, as days of event time close. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { OutgoingEvent, Ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { CustomerSuccessConfig } from '../config.ts'
import { type AdoptionDefinition, adoptedOn } from '../domain/adoption-day.ts'
import { startOf } from '../domain/day.ts'
import { breadthAmong, type Lag, lagsOf, lagText, type Member } from '../domain/lag.ts'
import type { AccountSnapshot } from '../domain/snapshot.ts'
import {
  type AdoptionRow,
  adoptionDefinitions,
  adoptionLags,
  adoptions,
  type LagRow,
  lastAdoptionDay,
  saveAdoptionDay,
  saveAdoptions,
  saveLags,
  timesOf,
  usesTried,
} from '../store/adoption.ts'
import { daysOfUse } from '../store/health.ts'
import { type OptOuts, readOptOuts } from '../store/opt-outs.ts'
import { tables } from '../store/tables.ts'
import { closeDaysOfAccounts, scoredUpTo } from './closed-days.ts'

export const usualDefinition = (config: CustomerSuccessConfig): AdoptionDefinition => ({
  uses: config.CUSTOMER_SUCCESS_ADOPTED_USES,
  windowDays: config.CUSTOMER_SUCCESS_ADOPTED_WITHIN_DAYS,
})

export function adoptionTicker(config: CustomerSuccessConfig): Ticker<null> {
  return {
    name: 'adoption',
    version: 1,
    lanes: 1,
    everyMs: 2_000,
    load: async () => null,
    async tick(_, tx) {
      const events: OutgoingEvent[] = []
      const range = { done: await lastAdoptionDay(tx), upTo: await scoredUpTo(tx) }
      let known: Known | undefined
      await closeDaysOfAccounts(tx, range, async (day, snapshots) => {
        known ??= await readKnown(tx, day)
        events.push(...(await closeDay(tx, day, snapshots, known, config)))
        await saveAdoptionDay(tx, day)
      })
      return { events }
    },
  }
}

/** What was told so far; kept up to date from day to day of a tick. */
type Known = {
  /** By account and feature, as lags are. */
  readonly adoptions: Map<string, Map<string, AdoptionRow>>
  readonly lags: Map<string, Map<string, LagRow>>
  readonly definitions: ReadonlyMap<string, AdoptionDefinition>
  /** The first day anything is known of. */
  readonly firstDay: number
  readonly optOuts: OptOuts
}

async function readKnown(tx: WorkerTransaction, day: number): Promise<Known> {
  const db = tables(tx)
  return {
    adoptions: await adoptions(db),
    lags: await adoptionLags(db),
    definitions: await adoptionDefinitions(db),
    firstDay: (await daysOfUse(tx, day))?.first ?? day,
    optOuts: await readOptOuts(db),
  }
}

async function closeDay(
  tx: WorkerTransaction,
  day: number,
  snapshots: readonly AccountSnapshot[],
  known: Known,
  config: CustomerSuccessConfig,
): Promise<OutgoingEvent[]> {
  const events = await adoptedSince(tx, snapshots, known, day, usualDefinition(config))
  const members = membersOf(snapshots, known)
  const changed = closedLags(known, members, day)
  for (const [member, late] of lagsOf(members, config.CUSTOMER_SUCCESS_RAMP_DAYS)) {
    const lags = late.filter(({ feature }) => known.lags.get(member.accountId)?.has(feature) !== true)
    if (lags.length === 0) continue
    changed.push(...lags.map((lag) => lagRow(member, lag, day)))
    events.push(lagDetected(member, lags, members, day))
  }
  await saveLags(tx, changed)
  for (const row of changed) keep(known.lags, row)
  return events
}

function keep<Row extends { readonly account_id: string; readonly feature: string }>(
  known: Map<string, Map<string, Row>>,
  row: Row,
): void {
  const own = known.get(row.account_id) ?? new Map<string, Row>()
  known.set(row.account_id, own.set(row.feature, row))
}

/**
 * What is adopted by now and was not before, whenever that was: all days since the first use are looked at, so that uses
 * that came late count for the days they were on.
 */
async function adoptedSince(
  tx: WorkerTransaction,
  snapshots: readonly AccountSnapshot[],
  known: Known,
  day: number,
  usual: AdoptionDefinition,
): Promise<OutgoingEvent[]> {
  const tried = snapshots.flatMap(({ accountId, features }) => {
    const open = features.flatMap(({ feature, firstDay }) =>
      firstDay === undefined || known.adoptions.get(accountId)?.has(feature) ? [] : [[feature, firstDay] as const],
    )
    return open.length === 0 ? [] : [{ accountId, features: new Map(open) }]
  })
  const rows: AdoptionRow[] = []
  const uses: { accountId: string; feature: string; day: number; nth: number }[] = []
  for await (const { accountId, feature, firstDay, counts } of usesTried(tx, tried, day, known.optOuts)) {
    const definition = known.definitions.get(feature) ?? usual
    const found = adoptedOn(counts, definition)
    if (found === undefined) continue
    const adoptedDay = firstDay + found.index
    const row = { feature, adopted_day: adoptedDay, uses: found.uses, window_days: definition.windowDays }
    rows.push({ account_id: accountId, ...row })
    const before = found.uses - (counts[found.index] ?? 0)
    uses.push({ accountId, feature, day: adoptedDay, nth: definition.uses - before })
  }
  await saveAdoptions(tx, rows)
  for (const row of rows) keep(known.adoptions, row)
  const times = await timesOf(tx, uses, known.optOuts)
  return rows.map((row, i) => featureAdopted(row, times[i]))
}

/** @param atMs of the use that made it so; the end of its day where raw events of then are not kept */
function featureAdopted(row: AdoptionRow, atMs = endOf(row.adopted_day)): OutgoingEvent {
  const { account_id: accountId, feature, uses, window_days: windowDays } = row
  return {
    type: 'plimsoll.customer_success.v1.FeatureAdopted',
    key: accountId,
    time: atMs,
    value: { accountId, feature, at: atMs, uses, windowDays },
  }
}

/** Accounts with the core features of their plan. A feature begins when anybody first used it. */
function membersOf(snapshots: readonly AccountSnapshot[], { adoptions: adopted, firstDay }: Known): Member[] {
  const begins = new Map<string, number>()
  for (const { features } of snapshots)
    for (const { feature, firstDay: first = Number.POSITIVE_INFINITY } of features)
      begins.set(feature, Math.min(first, begins.get(feature) ?? Number.POSITIVE_INFINITY))
  return snapshots.flatMap(({ accountId, plan, segment, day, startedDay, subscription, features }): Member[] => {
    const core = features.filter(({ isCore, isEntitled, feature }) => {
      return isCore && isEntitled && (begins.get(feature) ?? day) < day
    })
    if (core.length === 0) return []
    const courses = core.map(({ feature }) => ({
      feature,
      sinceDay: Math.max(startedDay, begins.get(feature) ?? startedDay),
      adoptedDay: adopted.get(accountId)?.get(feature)?.adopted_day,
    }))
    const left = subscription?.status === 'cancelled' ? (subscription.cancelledDay ?? day) : undefined
    const isSeenFromStart = startedDay >= firstDay
    return [{ accountId, plan, segment, lastDay: left ?? day, hasLeft: left !== undefined, isSeenFromStart, courses }]
  })
}

const lagRow = ({ accountId }: Member, { feature, usual }: Lag, day: number): LagRow => ({
  ...{ account_id: accountId, feature, raised_day: day, usual_days: usual.days, adopters: usual.adopters },
  ...{ closed_day: null, outcome: null },
})

function lagDetected(member: Member, lags: readonly Lag[], members: readonly Member[], day: number): OutgoingEvent {
  const { own, expected } = breadthAmong(members, member)
  const missing = member.courses.filter(({ adoptedDay }) => adoptedDay === undefined)
  return {
    type: 'plimsoll.customer_success.v1.AdoptionLagDetected',
    key: member.accountId,
    time: endOf(day),
    value: {
      ...{ accountId: member.accountId, at: endOf(day), breadth: own, expected },
      missing: missing.map(({ feature }) => feature),
      reason: lagText(lags),
    },
  }
}

/** Open lags that end on this day. */
function closedLags({ lags }: Known, members: readonly Member[], day: number): LagRow[] {
  const memberOf = new Map(members.map((member) => [member.accountId, member]))
  const open = [...lags.values()].flatMap((own) => [...own.values()]).filter(({ closed_day }) => closed_day === null)
  return open.flatMap((row): LagRow[] => {
    const member = memberOf.get(row.account_id)
    const course = member?.courses.find(({ feature }) => feature === row.feature)
    if (course?.adoptedDay !== undefined) return [{ ...row, closed_day: day, outcome: 'adopted' }]
    const isOver = member === undefined || member.hasLeft || course === undefined
    return isOver ? [{ ...row, closed_day: day, outcome: 'void' }] : []
  })
}

const endOf = (day: number): number => startOf(day + 1) - 1
