/** What comes of persons and accounts after they were erased: nothing of it is kept. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { quarantineReason, type UsageRow } from '../domain/usage-event.ts'
import type { Facts } from './facts.ts'
import { anonymousKey, keyHash, userKey } from './identity.ts'
import type { Signal } from './playbook-signals.ts'
import { tables } from './tables.ts'

const accountKey = (accountId: string): string => `account:${accountId}`

/** Without events of erased accounts, and without ids of erased persons where taking events in does not look at them. */
export async function withoutErasedRows(
  tx: WorkerTransaction,
  rows: readonly UsageRow[],
  lateDays: number,
): Promise<UsageRow[]> {
  // Hashing the ids of a batch costs a good part of counting it.
  const any = await tables(tx).selectFrom('erased_key').select('hash').limit(1).executeTakeFirst()
  if (any === undefined) return [...rows]
  const late = new Set(rows.filter((row) => quarantineReason(row, lateDays) !== undefined))
  const erased = await erasedAmong(
    tx,
    rows.flatMap((row) => {
      const { accountId, userId, anonymousId } = row
      return [
        ...(accountId === '' ? [] : [accountKey(accountId)]),
        ...(userId === '' || !late.has(row) ? [] : [userKey(userId)]),
        // Of a user: whoever else used the same device.
        ...(anonymousId === '' || (userId === '' && !late.has(row)) ? [] : [anonymousKey(anonymousId)]),
      ]
    }),
  )
  if (erased.size === 0) return [...rows]
  return rows.flatMap((row) => {
    if (erased.has(accountKey(row.accountId)) || erased.has(userKey(row.userId))) return []
    if (!erased.has(anonymousKey(row.anonymousId))) return [row]
    return row.userId === '' ? [] : [{ ...row, anonymousId: '' }]
  })
}

/** Tickets and answers of erased persons stay, without who it was and what they wrote; contacts do not. */
export async function withoutErasedFacts(tx: WorkerTransaction, facts: Facts): Promise<Facts> {
  const { tickets, invoices, answers, subscriptions, contacts } = facts
  const told: readonly Told[] = [...tickets, ...invoices, ...answers, ...subscriptions, ...contacts]
  const erased = await erasedAmong(tx, told.flatMap(keysOf))
  return {
    tickets: kept(tickets, erased, (ticket) => ({ ...ticket, userId: '', text: '' })),
    invoices: kept(invoices, erased),
    answers: kept(answers, erased, (answer) => ({ ...answer, userId: '', comment: '' })),
    subscriptions: kept(subscriptions, erased),
    contacts: kept(contacts, erased).filter(({ userId }) => !erased.has(userKey(userId))),
  }
}

export async function withoutErasedSignals(tx: WorkerTransaction, signals: readonly Signal[]): Promise<Signal[]> {
  const erased = await erasedAmong(tx, signals.flatMap(keysOf))
  return kept(signals, erased, (signal) => ({ ...signal, userId: '', reason: '' }))
}

type Told = { readonly accountId: string; readonly userId?: string }

const keysOf = ({ accountId, userId = '' }: Told): string[] => [
  accountKey(accountId),
  ...(userId === '' ? [] : [userKey(userId)]),
]

const kept = <T extends Told>(told: readonly T[], erased: ReadonlySet<string>, unnamed = (one: T): T => one): T[] =>
  told.flatMap((one) => {
    if (erased.has(accountKey(one.accountId))) return []
    return [erased.has(userKey(one.userId ?? '')) ? unnamed(one) : one]
  })

async function erasedAmong(tx: WorkerTransaction, keys: readonly string[]): Promise<Set<string>> {
  const keyOf = new Map([...new Set(keys)].map((key) => [keyHash(key).toString('hex'), key]))
  if (keyOf.size === 0) return new Set()
  const hashes = [...keyOf.keys()].map((hash) => Buffer.from(hash, 'hex'))
  const rows = await tables(tx)
    .selectFrom('erased_key')
    .select('hash')
    .where('hash', '=', sql<Uint8Array>`any(${hashes}::bytea[])`)
    .execute()
  return new Set(rows.flatMap(({ hash }) => keyOf.get(Buffer.from(hash).toString('hex')) ?? []))
}
