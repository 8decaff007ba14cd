/** Takes usage events in: each once, in one transaction with everything that follows from it. */

import { USAGE_KIND } from '@plimsoll/contracts/usage-batch.ts'
import { createBreather } from '@plimsoll/kit/breather.ts'
import { type BulkColumn, bulkAppend, bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { dayOf } from '../domain/day.ts'
import { componentsOf, type Link } from '../domain/identity.ts'
import { ANY, API_CALLS, API_ERRORS } from '../domain/usage-cells.ts'
import { meaningOf, previousId, quarantineReason, traitsOf, type UsageRow } from '../domain/usage-event.ts'
import { addUses, countPerson, type Tally } from '../domain/usage-figures.ts'
import { addMembership, keepUses, type Membership, merged, type Use } from '../domain/usage-person.ts'
import { changeAccounts, placesOf, traitChanges } from './accounts.ts'
import { saveCells } from './cells.ts'
import { type NodeRow, type QuarantinedRow, saveQuarantined, saveRaw } from './events.ts'
import {
  type AccountRow,
  anonymousKey,
  type Identities,
  type LockedPerson,
  nobodyKey,
  numberAccounts,
  replacePersons,
  saveLinks,
  savePersons,
  subjectsIn,
  userKey,
} from './identity.ts'
import { lockTogether } from './locks.ts'
import { tables } from './tables.ts'

/** What a lane found and need not ask for again: numbers never change, days have their partition until they are too old. */
export type Numbers = {
  readonly accounts: Map<string, number>
  readonly features: Map<string, number>
  readonly days: Set<number>
}

export const createNumbers = (): Numbers => ({ accounts: new Map(), features: new Map(), days: new Set() })

export type UsageLimits = {
  readonly lateDays: number
  readonly rawDays: number
  /** Features counted apart. */
  readonly features: number
}

/** What became of events. */
export type Taken = {
  readonly stored: number
  readonly repeated: number
  readonly quarantined: number
  /** Of persons and accounts that were erased. */
  readonly erased: number
}

export async function takeUsage(
  tx: WorkerTransaction,
  numbers: Numbers,
  rows: readonly UsageRow[],
  limits: UsageLimits,
  nowMs: number,
): Promise<Taken> {
  const fresh = await claim(tx, rows)
  const counted: UsageRow[] = []
  const quarantined: QuarantinedRow[] = []
  for (const row of fresh) {
    const reason = quarantineReason(row, limits.lateDays)
    if (reason === undefined) counted.push(row)
    else quarantined.push({ reason, row })
  }
  await saveQuarantined(tx, quarantined)
  const stored = counted.length === 0 ? 0 : await countRows(tx, numbers, counted, limits, nowMs)
  return {
    ...{ stored, repeated: rows.length - fresh.length, quarantined: quarantined.length },
    erased: counted.length - stored,
  }
}

/**
 * All at once, so that locks are taken in one order: batches that share persons wait for each other, never crosswise. How
 * many were counted: all but those of erased persons.
 */
async function countRows(
  tx: WorkerTransaction,
  numbers: Numbers,
  rows: readonly UsageRow[],
  limits: UsageLimits,
  nowMs: number,
): Promise<number> {
  await numberAccounts(
    tx,
    numbers.accounts,
    rows.map(({ accountId }) => accountId),
  )
  await numberFeatures(tx, numbers.features, rows, limits.features)
  const changes = await traitChanges(tx, newestTraits(rows))
  const keys = rows.map(keyOf)
  const asked = [...new Set([...keys, ...rows.flatMap(linkedKeys)])]
  const locked = await lockTogether(tx, asked, accountNumbers(numbers, rows), placesOf(changes))
  await changeAccounts(tx, changes, locked)
  const { identities, held } = locked
  const known = rows.flatMap((row, i): NodeRow | [] => {
    const node = identities.nodeOf.get(keys[i] ?? '')
    return node === undefined ? [] : { node, row }
  })
  await saveRaw(tx, known, numbers.days, dayOf(nowMs) - limits.rawDays)
  await countUses(tx, numbers, held, identities, known)
  return known.length
}

/** The events not taken in before, each once. */
async function claim(tx: WorkerTransaction, rows: readonly UsageRow[]): Promise<UsageRow[]> {
  const byId = new Map<string, UsageRow>()
  for (const row of rows) {
    const id = idOf(row)
    if (!byId.has(id)) byId.set(id, row)
  }
  // In the order of ids, so that two batches with the same events wait for each other once, not crosswise.
  const claimed = [...byId.keys()].sort().map((id) => byId.get(id) as UsageRow)
  const columns: BulkColumn[] = [
    { name: 'event_id', type: 'bytea', values: claimed.map(({ eventId }) => eventId) },
    { name: 'received_day', type: 'int4', values: claimed.map(({ receivedMs }) => dayOf(receivedMs)) },
  ]
  if (await appended(tx, 'event_key', columns)) return claimed
  await bulkUpsert(tx, { table: 'event_key', key: ['event_id'], onConflict: 'keep', columns })
  // Keys this transaction did not write were there: repeats.
  const { rows: known } = await sql<{ event_id: Uint8Array }>`
    select event_id from event_key
    where event_id = any(${claimed.map(({ eventId }) => Buffer.from(eventId))}::bytea[])
      and xmin <> pg_current_xact_id()::xid`.execute(tx)
  const repeats = new Set(known.map((row) => idOf({ eventId: row.event_id })))
  return claimed.filter((row) => !repeats.has(idOf(row)))
}

const UNIQUE_VIOLATION = '23505'

/**
 * Appends all rows, or none when one's key is there already. Repeats are rare, and a plain COPY costs half of what an
 * insert does that looks for conflicts.
 */
async function appended(tx: WorkerTransaction, table: string, columns: readonly BulkColumn[]): Promise<boolean> {
  await sql`savepoint appending`.execute(tx)
  try {
    await bulkAppend(tx, table, columns)
    await sql`release savepoint appending`.execute(tx)
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION)) throw error
    // Released too: what is written inside a savepoint bears another transaction's number.
    await sql`rollback to savepoint appending`.execute(tx)
    await sql`release savepoint appending`.execute(tx)
    return false
  }
}

const idOf = ({ eventId }: Pick<UsageRow, 'eventId'>): string =>
  Buffer.from(eventId.buffer, eventId.byteOffset, eventId.byteLength).toString('latin1')

/** Names beyond the limit share the figures of any use. */
async function numberFeatures(
  tx: WorkerTransaction,
  known: Map<string, number>,
  rows: readonly UsageRow[],
  limit: number,
): Promise<void> {
  const unknown = rows.filter(({ name }) => !known.has(name)).map((row) => meaningOf(row).feature)
  const missing = [...new Set(unknown)].filter((name) => name !== '').sort()
  if (missing.length === 0) return
  await sql`
    insert into feature (name)
    select told.name from unnest(${missing}::text[]) as told (name)
    where not exists (select from feature where feature.name = told.name)
    limit greatest(0, ${limit} - (select count(*) from feature))
    on conflict do nothing`.execute(tx)
  const found = await tables(tx).selectFrom('feature').select(['id', 'name']).where('name', 'in', missing).execute()
  for (const name of missing) known.set(name, ANY)
  for (const { id, name } of found) known.set(name, id)
}

function newestTraits(rows: readonly UsageRow[]) {
  return rows.flatMap((row) => {
    const traits = row.accountId === '' ? undefined : traitsOf(row)
    return traits === undefined ? [] : [{ accountId: row.accountId, atMs: row.atMs, ...traits }]
  })
}

const accountNumbers = (numbers: Numbers, rows: readonly UsageRow[]): number[] => [
  ...new Set(rows.map(({ accountId }) => numbers.accounts.get(accountId) ?? 0)),
]

/** Who did it: the user, else the anonymous one, else nobody that is known. */
function keyOf({ userId, anonymousId, accountId }: UsageRow): string {
  if (userId !== '') return userKey(userId)
  return anonymousId === '' ? nobodyKey(accountId) : anonymousKey(anonymousId)
}

/** Keys an event says are the same person's. */
function linkedKeys(row: UsageRow): readonly string[] {
  const { kind, userId, anonymousId } = row
  if (userId === '') return []
  if (kind === USAGE_KIND.identify) return anonymousId === '' ? [] : [anonymousKey(anonymousId)]
  const previous = previousId(row)
  return previous === '' || previous === userId ? [] : [anonymousKey(previous), userKey(previous)]
}

async function countUses(
  tx: WorkerTransaction,
  numbers: Numbers,
  held: ReadonlyMap<number, AccountRow>,
  identities: Identities,
  rows: readonly NodeRow[],
): Promise<void> {
  const { uses, memberships, links } = readRows(numbers, identities, rows)
  const newLinks = await saveLinks(tx, links, rows[0]?.row.receivedMs ?? 0)
  // Every use is one of ANY, too.
  const places = [...uses.filter(({ feature }) => feature === ANY), ...memberships]
  await saveAccountNodes(tx, identities, places)
  const subjectsOf = subjectsIn(held)
  const tally: Tally = new Map()
  const personOf = (node: number): LockedPerson => identities.personOf.get(node) as LockedPerson

  // Persons that are joined, or join an account, are counted anew as a whole.
  const anew = new Set([...memberships.map(({ node }) => node), ...newLinks.flat()].map(personOf))
  for (const { person } of anew) countPerson(person, subjectsOf, tally, -1)
  for (const membership of memberships) addMembership(personOf(membership.node).person, membership)
  const changed: LockedPerson[] = []
  const breathe = createBreather()
  for (const [locked, own] of Map.groupBy(uses, ({ node }) => personOf(node))) {
    await breathe()
    if (anew.has(locked)) keepUses(locked.person, own)
    else {
      addUses(locked.person, own, subjectsOf, tally)
      changed.push(locked)
    }
  }
  const after = united([...anew], newLinks, identities)
  for (const { person } of after) countPerson(person, subjectsOf, tally, 1)

  await savePersons(tx, changed)
  await replacePersons(
    tx,
    [...anew].map(({ id }) => id),
    after,
  )
  await saveCells(tx, tally)
}

/** Persons once links have made one of several, each under its smallest identifier. */
function united(persons: readonly LockedPerson[], links: readonly Link[], { personOf }: Identities): LockedPerson[] {
  const byId = new Map(persons.map((locked) => [locked.id, locked]))
  const pairs = links.map(([a, b]) => [personOf.get(a)?.id ?? a, personOf.get(b)?.id ?? b] as const)
  return [...componentsOf([...byId.keys()], pairs)].map(([id, ids]) => {
    const parts = ids.flatMap((part) => byId.get(part)?.person ?? [])
    const [only] = parts
    return { id, person: only !== undefined && parts.length === 1 ? only : merged(parts) }
  })
}

function readRows(numbers: Numbers, identities: Identities, rows: readonly NodeRow[]) {
  const usesOf = new Map<number, { -readonly [K in keyof Use]: Use[K] }[]>()
  const memberships: Membership[] = []
  const links: Link[] = []
  const use = (node: number, account: number, feature: number, day: number): void => {
    let own = usesOf.get(node)
    if (own === undefined) {
      own = []
      usesOf.set(node, own)
    }
    const known = own.find((one) => one.feature === feature && one.day === day && one.account === account)
    if (known === undefined) own.push({ node, account, feature, day, count: 1 })
    else known.count++
  }
  for (const { node, row } of rows) {
    const account = numbers.accounts.get(row.accountId) ?? 0
    if (row.kind === USAGE_KIND.group && account !== 0 && (row.userId !== '' || row.anonymousId !== '')) {
      memberships.push({ node, account, atMs: row.atMs })
    }
    for (const key of linkedKeys(row)) {
      const other = identities.nodeOf.get(key)
      if (other !== undefined && other !== node) links.push([node, other])
    }
    const meaning = meaningOf(row)
    if (!meaning.isUse) continue
    const day = dayOf(row.atMs)
    use(node, account, ANY, day)
    const feature = numbers.features.get(meaning.feature) ?? ANY
    if (feature !== ANY) use(node, account, feature, day)
    if (meaning.isApiCall) use(node, account, API_CALLS, day)
    if (meaning.isApiError) use(node, account, API_ERRORS, day)
  }
  return { uses: [...usesOf.values()].flat(), memberships, links }
}

/** Remembers who is in an account, where that is new: whose figures move when it changes its plan or segment. */
async function saveAccountNodes(
  tx: WorkerTransaction,
  { personOf }: Identities,
  places: readonly { readonly node: number; readonly account: number }[],
): Promise<void> {
  const pairs = new Map<string, { readonly node: number; readonly account: number }>()
  for (const { node, account } of places) {
    if (account === 0) continue
    const lists = personOf.get(node)?.person.lists ?? []
    if (!lists.some((list) => list.account === account && list.node === node)) {
      pairs.set(`${account} ${node}`, { node, account })
    }
  }
  const rows = [...pairs.values()].sort((a, b) => a.account - b.account || a.node - b.node)
  await bulkUpsert(tx, {
    table: 'account_node',
    key: ['account_id', 'node_id'],
    onConflict: 'keep',
    columns: [
      { name: 'account_id', type: 'int4', values: rows.map(({ account }) => account) },
      { name: 'node_id', type: 'int8', values: rows.map(({ node }) => node) },
    ],
  })
}
