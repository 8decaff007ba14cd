/** Going on from day to day behind the ticker `health`, which says when a day of event time is over. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { daysUpTo } from '../domain/day.ts'
import type { AccountSnapshot } from '../domain/snapshot.ts'
import { progressOf } from '../store/health.ts'
import { loadDays, runsOf } from '../store/snapshot.ts'
import { tables } from '../store/tables.ts'

/** A replay is caught up with many days at a tick; a day that takes long is alone in its own. */
const TICK_MS = 4_000

type Range = { readonly done: number | undefined; readonly upTo: number | undefined }

/**
 * Closes the days after `done` up to `upTo`, or as many as a tick has time for; the first scored day when none is done.
 * Returns the last day that is done now.
 */
export async function closeDays(
  tx: WorkerTransaction,
  now: () => number,
  { done, upTo }: Range,
  close: (day: number) => Promise<void>,
): Promise<number | undefined> {
  const from = done === undefined ? await firstScoredDay(tx) : done + 1
  if (from === undefined || upTo === undefined) return done
  const startedMs = now()
  let day = from
  for (; day <= upTo && now() - startedMs < TICK_MS; day++) await close(day)
  return day - 1
}

/** The same with the snapshots of each day; in runs, since what is read of an account serves several days. */
export async function closeDaysOfAccounts(
  tx: WorkerTransaction,
  { done, upTo }: Range,
  close: (day: number, snapshots: readonly AccountSnapshot[]) => Promise<void>,
): Promise<void> {
  const from = done === undefined ? await firstScoredDay(tx) : done + 1
  if (from === undefined || upTo === undefined) return
  const run = (await runsOf(tables(tx), daysUpTo(from, upTo)))[0] ?? []
  for await (const [day, snapshots] of loadDays(tables(tx), run)) await close(day, snapshots)
}

export const scoredUpTo = (tx: WorkerTransaction): Promise<number | undefined> => progressOf(tx, 'health')

async function firstScoredDay(tx: WorkerTransaction): Promise<number | undefined> {
  const row = await tables(tx)
    .selectFrom('health_score')
    .select((eb) => eb.fn.min<number | null>('day').as('day'))
    .executeTakeFirst()
  return row?.day ?? undefined
}
