import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { type Fact, feedBodyOf, isOfAccount } from '../domain/feed.ts'
import type { Head } from './head.ts'
import type { ReportingTables, ReportingTransaction } from './tables.ts'

/** The facts whose event id is not in the feed yet, each once. */
export async function unseen(tx: ReportingTransaction, facts: readonly Fact[]): Promise<readonly Fact[]> {
  const byId = new Map(facts.map((fact) => [fact.id, fact]))
  const seen = await tx
    .selectFrom('feed')
    .select('event_id')
    .where('event_id', '=', sql<string>`any(${[...byId.keys()]}::text[])`)
    .execute()
  for (const row of seen) byId.delete(row.event_id)
  return [...byId.values()]
}

/**
 * Appends to the feed and moves the head, which the caller holds locked.
 * @param keep rows kept: how far back a client can resume and a repeated event is recognised by its id
 */
export async function appendFeed(
  tx: ReportingTransaction,
  head: Head,
  facts: readonly Fact[],
  keep: number,
): Promise<void> {
  const rows = facts.map((fact, i) => ({
    seq: head.seq + 1 + i,
    event_id: fact.id,
    type: fact.type,
    occurred_at: new Date(fact.time),
    body: JSON.stringify(feedBodyOf(fact)),
  }))
  await tx.insertInto('feed').values(rows).execute()
  const seq = head.seq + facts.length
  const ofAccounts = facts.filter(isOfAccount)
  const ofServices = facts.filter((fact) => !isOfAccount(fact))
  await tx
    .updateTable('head')
    .set({ seq, as_of: newest(head.servicesAsOf, ofServices), account_as_of: newest(head.accountsAsOf, ofAccounts) })
    .execute()
  await tx
    .deleteFrom('feed')
    .where('seq', '<=', seq - keep)
    .execute()
}

function newest(known: number | null, facts: readonly Fact[]): Date | null {
  const times = facts.map(({ time }) => time)
  if (known !== null) times.push(known)
  return times.length === 0 ? null : new Date(Math.max(...times))
}

export async function isFeedEmpty(tx: ReportingTransaction): Promise<boolean> {
  return (await tx.selectFrom('feed').select('seq').limit(1).executeTakeFirst()) === undefined
}

export type FeedItem = { readonly seq: number; readonly body: unknown }

/** What there is to send: where the feed stands, and the items after a position, oldest first. */
export type FeedSlice = { readonly generation: number; readonly head: number; readonly items: readonly FeedItem[] }

/** One statement, so that head and items are of one moment even while a rebuild commits. */
export async function feedAfter(db: ReaderDatabase<ReportingTables>, seq: number, limit: number): Promise<FeedSlice> {
  const rows = await db
    .selectFrom('head')
    .leftJoinLateral(
      (query) =>
        query.selectFrom('feed').select(['seq', 'body']).where('seq', '>', seq).orderBy('seq').limit(limit).as('item'),
      (join) => join.onTrue(),
    )
    .select(['head.generation', 'head.seq as head', 'item.seq', 'item.body'])
    .orderBy('item.seq')
    .execute()
  const first = rows[0]
  if (first === undefined) throw new Error('The table head has lost its row; rebuild the projection.')
  const items = rows.flatMap((row) => (row.seq === null ? [] : [{ seq: row.seq, body: row.body }]))
  return { generation: first.generation, head: first.head, items }
}
