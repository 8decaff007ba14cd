/** What playbooks know of accounts: snapshots joined with the scores and episodes of their day. */

import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { daysUpTo } from '../domain/day.ts'
import type { AccountState, HealthState, RiskState } from '../domain/playbook/account-state.ts'
import type { AccountSnapshot } from '../domain/snapshot.ts'
import { type AccountDay, loadDays, loadEach, loadSnapshots, runsOf } from './snapshot.ts'
import type { Tables } from './tables.ts'

type Reader = ReaderDatabase<Tables>

/** Where playbooks learn of accounts: states at the end of days that are over and scored. */
export type AccountStates = {
  /** The last such day; undefined before the first. */
  latestDay(reader: Reader): Promise<number | undefined>
  /** Of all accounts, or of those named. */
  at(reader: Reader, day: number, accountIds?: readonly string[]): Promise<AccountState[]>
  /** Of single accounts, each at the end of its own day; those that had not begun are left out. */
  each<Wanted extends AccountDay>(reader: Reader, wanted: readonly Wanted[]): Promise<Map<Wanted, AccountState>>
  /** Of all accounts, one day after the other. */
  during(reader: Reader, fromDay: number, toDay: number): AsyncIterable<readonly [day: number, states: AccountState[]]>
}

export const storedAccounts: AccountStates = {
  async latestDay(reader) {
    const row = await reader.selectFrom('health_progress').select('day').where('name', '=', 'risk').executeTakeFirst()
    return row?.day
  },
  async at(reader, day, accountIds) {
    const snapshots = await loadSnapshots(reader, day, accountIds)
    return snapshots.map(await joinedOn(reader, day, accountIds))
  },
  async each<Wanted extends AccountDay>(reader: Reader, wanted: readonly Wanted[]) {
    const snapshots = await loadEach(reader, wanted)
    const states = new Map<Wanted, AccountState>()
    for (const [day, own] of Map.groupBy(wanted, (one) => one.day)) {
      const joined = await joinedOn(reader, day, [...new Set(own.map(({ accountId }) => accountId))])
      for (const one of own) {
        const snapshot = snapshots.get(one)
        if (snapshot !== undefined) states.set(one, joined(snapshot))
      }
    }
    return states
  },
  async *during(reader, fromDay, toDay) {
    for (const run of await runsOf(reader, daysUpTo(fromDay, toDay))) {
      for await (const [day, snapshots] of loadDays(reader, run)) {
        yield [day, snapshots.map(await joinedOn(reader, day))] as const
      }
    }
  },
}

/** Joins a snapshot of a day with its score and open episode. */
async function joinedOn(
  reader: Reader,
  day: number,
  accountIds?: readonly string[],
): Promise<(snapshot: AccountSnapshot) => AccountState> {
  const health = await healthAt(reader, day, accountIds)
  const risks = await risksAt(reader, day, accountIds)
  return (snapshot) => ({
    snapshot,
    health: health.get(snapshot.accountId),
    risk: risks.get(snapshot.accountId),
  })
}

/** As known at the end of the day: corrections came later. */
async function healthAt(
  reader: Reader,
  day: number,
  accountIds: readonly string[] | undefined,
): Promise<Map<string, HealthState>> {
  let query = reader
    .selectFrom('health_score')
    .select(['account_id', 'score', 'confidence', 'churn_probability'])
    .where('day', '=', day)
    .where('revision', '=', 0)
  if (accountIds !== undefined) query = query.where('account_id', 'in', [...accountIds])
  const rows = await query.execute()
  return new Map(
    rows.map(({ account_id, score, confidence, churn_probability }) => [
      account_id,
      { score: score ?? undefined, confidence, churnProbability: churn_probability ?? undefined },
    ]),
  )
}

async function risksAt(
  reader: Reader,
  day: number,
  accountIds: readonly string[] | undefined,
): Promise<Map<string, RiskState>> {
  let query = reader
    .selectFrom('risk_episode')
    .select(['id', 'account_id', 'trigger', 'raised_day'])
    .where('raised_day', '<=', day)
    .where((eb) => eb.or([eb('cleared_day', 'is', null), eb('cleared_day', '>', day)]))
  if (accountIds !== undefined) query = query.where('account_id', 'in', [...accountIds])
  const rows = await query.execute()
  return new Map(
    rows.map(({ id, account_id, trigger, raised_day }) => [
      account_id,
      { episodeId: id, trigger, raisedDay: raised_day },
    ]),
  )
}
