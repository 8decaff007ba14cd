/** Identifiers, the persons they are of, and the accounts these are in: found, made and locked. */

import { createHash } from 'node:crypto'
import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { ReaderDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { sql } from 'kysely'
import { componentsOf, type Link } from '../domain/identity.ts'
import { decodePerson, encodePerson } from '../domain/usage-codec.ts'
import { ALL, accountSubject, countPerson, type SubjectsOf, type Tally } from '../domain/usage-figures.ts'
import { forgetBefore, type Person, partOf } from '../domain/usage-person.ts'
import { saveCells } from './cells.ts'
import { tables } from './tables.ts'
import type { UsageTables } from './usage-tables.ts'

export const userKey = (userId: string): string => `user:${userId}`
export const anonymousKey = (anonymousId: string): string => `anonymous:${anonymousId}`
/** Whom the uses of an account are of that name nobody. */
export const nobodyKey = (accountId: string): string => `nobody:${accountId}`
const isNobodyKey = (key: string): boolean => key.startsWith('nobody:')

export type LockedPerson = { readonly id: number; readonly person: Person }

export type Identities = {
  readonly nodeOf: ReadonlyMap<string, number>
  /** By identifier. Identifiers of one person share it. */
  readonly personOf: Map<number, LockedPerson>
}

/** How often persons are looked up again that were merged or split while their lock was waited for. */
const MOST_LOOKS = 10

/**
 * The persons of identifiers, locked until the transaction ends; identifiers not known yet are made, but for those whose
 * person was erased: they are not among the answer. Locks are taken in the order of ids, so that two batches with the
 * same persons cannot each wait for the other.
 */
export async function lockPersons(tx: WorkerTransaction, keys: readonly string[]): Promise<Identities> {
  const nodeOf = new Map<string, number>()
  const personOf = new Map<number, LockedPerson>()
  const byId = new Map<number, LockedPerson>()
  let missing = keys
  for (let looks = 0; missing.length > 0; looks++) {
    if (looks === MOST_LOOKS)
      throw appError('unavailable', 'Persons changed again and again while they were looked up.')
    if (looks === 1) {
      missing = await withoutErased(tx, missing)
      await makeIdentifiers(tx, missing)
    }
    const { rows } = await sql<{ node: number; key: string; id: number; uses: Uint8Array | null }>`
      select i.id as node, i.key, p.id, p.uses
      from identifier i join person p on p.id = i.person_id
      where i.key = any(${missing}) order by p.id for update of p`.execute(tx)
    for (const { node, key, id, uses } of rows) {
      const locked = byId.get(id) ?? { id, person: uses === null ? newPerson(node, key) : decodePerson(uses) }
      // Somebody else may have moved the identifier to another person while this lock was waited for.
      if (!locked.person.nodes.includes(node)) continue
      byId.set(id, locked)
      nodeOf.set(key, node)
      personOf.set(node, locked)
    }
    missing = missing.filter((key) => !nodeOf.has(key))
  }
  for (const locked of byId.values()) for (const node of locked.person.nodes) personOf.set(node, locked)
  return { nodeOf, personOf }
}

const newPerson = (node: number, key: string): Person => ({
  isNobody: isNobodyKey(key),
  nodes: [node],
  memberships: [],
  lists: [],
})

async function withoutErased(tx: WorkerTransaction, keys: readonly string[]): Promise<string[]> {
  const hashes = new Map(keys.map((key) => [keyHash(key).toString('hex'), key]))
  const erased = await tables(tx)
    .selectFrom('erased_key')
    .select('hash')
    .where('hash', 'in', keys.map(keyHash))
    .execute()
  for (const { hash } of erased) hashes.delete(Buffer.from(hash).toString('hex'))
  return [...hashes.values()]
}

/** Of an identifier that may not be kept itself. */
export const keyHash = (key: string): Buffer => createHash('sha256').update(key).digest()

/** In the order of keys: two batches that make the same ones wait for each other once, not crosswise. */
async function makeIdentifiers(tx: WorkerTransaction, keys: readonly string[]): Promise<void> {
  await sql`
    with made as (
      insert into identifier (id, key, person_id) overriding system value
      select n, key, n from (
        select nextval(pg_get_serial_sequence('identifier', 'id')) as n, key
        from (select distinct key from unnest(${keys}::text[]) as key order by key) as ordered
      ) as numbered
      on conflict (key) do nothing returning id
    )
    insert into person (id) select id from made`.execute(tx)
}

/** Persons who have ever done something in any of these accounts, under one of their keys. */
export async function personsOfAccounts(
  reader: ReaderDatabase<UsageTables>,
  accounts: readonly number[],
): Promise<{ readonly key: string; readonly person: Person }[]> {
  if (accounts.length === 0) return []
  const rows = await reader
    .selectFrom('account_node')
    .innerJoin('identifier', 'identifier.id', 'account_node.node_id')
    .innerJoin('person', 'person.id', 'identifier.person_id')
    .distinctOn('person.id')
    .select(['identifier.key', 'person.uses'])
    .where('account_node.account_id', 'in', accounts)
    // User ids before anonymous ones.
    .orderBy('person.id')
    .orderBy('identifier.key', 'desc')
    .execute()
  return rows.flatMap(({ key, uses }) =>
    uses === null ? [] : [{ key: key.slice(key.indexOf(':') + 1), person: decodePerson(uses) }],
  )
}

export type AccountRow = { readonly id: number; readonly accountId: string; readonly groups: readonly string[] }

/** Numbers of accounts by id; those not known yet are made. `known` keeps what committed transactions found. */
export async function numberAccounts(tx: WorkerTransaction, known: Map<string, number>, ids: Iterable<string>) {
  const missing = [...new Set(ids)].filter((id) => id !== '' && !known.has(id)).sort()
  if (missing.length === 0) return
  await sql`insert into account (account_id) select unnest(${missing}::text[]) on conflict do nothing`.execute(tx)
  const rows = await tables(tx)
    .selectFrom('account')
    .select(['id', 'account_id'])
    .where('account_id', 'in', missing)
    .execute()
  for (const { id, account_id } of rows) known.set(account_id, id)
}

/** Accounts by number, kept from changing until the transaction ends; `isChange`: by others than this one. */
export async function holdAccounts(
  tx: WorkerTransaction,
  held: Map<number, AccountRow>,
  ids: Iterable<number>,
  { isChange = false } = {},
) {
  const missing = [...new Set(ids)].filter((id) => id !== 0 && !held.has(id))
  if (missing.length === 0) return
  const query = tables(tx)
    .selectFrom('account')
    .select(['id', 'account_id', 'plan', 'segment'])
    .where('id', 'in', missing)
    .orderBy('id')
  for (const row of await (isChange ? query.forNoKeyUpdate() : query.forShare()).execute()) {
    held.set(row.id, { id: row.id, accountId: row.account_id, groups: groupsOf(row) })
  }
}

/** Subjects an account's plan and segment make it part of. */
export const groupsOf = ({ plan, segment }: { readonly plan: string; readonly segment: string }): string[] => [
  ...(plan === '' ? [] : [planSubject(plan)]),
  ...(segment === '' ? [] : [segmentSubject(segment)]),
]
export const planSubject = (plan: string): string => `plan:${plan}`
export const segmentSubject = (segment: string): string => `segment:${segment}`

export function subjectsIn(accounts: ReadonlyMap<number, AccountRow>): SubjectsOf {
  const known = new Map<number, readonly string[]>([[0, [ALL]]])
  return (id) => {
    let subjects = known.get(id)
    if (subjects === undefined) {
      const account = accounts.get(id)
      if (account === undefined) throw new RangeError(`account ${id} is not held`)
      subjects = [ALL, accountSubject(account.accountId), ...account.groups]
      known.set(id, subjects)
    }
    return subjects
  }
}

export const accountsOf = (persons: Iterable<LockedPerson>): number[] =>
  [...persons].flatMap(({ person }) => [
    ...person.lists.map(({ account }) => account),
    ...person.memberships.map(({ account }) => account),
  ])

export async function savePersons(tx: WorkerTransaction, changed: readonly LockedPerson[]): Promise<void> {
  const persons = changed.toSorted((a, b) => a.id - b.id)
  await bulkUpsert(tx, {
    table: 'person',
    key: ['id'],
    onConflict: 'replace',
    columns: [
      { name: 'id', type: 'int8', values: persons.map(({ id }) => id) },
      { name: 'uses', type: 'bytea', values: persons.map(({ person }) => encodePerson(person)) },
    ],
  })
}

/**
 * Forgets what the next persons behind `afterId` did before `day`; the figures stay. Returns the last one looked at,
 * undefined when there is none behind it.
 */
export async function forgetDays(
  tx: WorkerTransaction,
  day: number,
  afterId: number,
  limit: number,
): Promise<number | undefined> {
  const rows = await tables(tx)
    .selectFrom('person')
    .selectAll()
    .where('id', '>', afterId)
    .orderBy('id')
    .limit(limit)
    .forUpdate()
    .execute()
  const persons = rows.flatMap(({ id, uses }) => (uses === null ? [] : [{ id, person: decodePerson(uses) }]))
  await savePersons(
    tx,
    persons.filter(({ person }) => forgetBefore(person, day)),
  )
  return rows.at(-1)?.id
}

/** Puts `after` in the place of the persons with the ids `before`. */
export async function replacePersons(
  tx: WorkerTransaction,
  before: readonly number[],
  after: readonly LockedPerson[],
): Promise<void> {
  if (after.length === 0) return
  const kept = new Set(after.map(({ id }) => id))
  const gone = before.filter((id) => !kept.has(id))
  if (gone.length > 0) await tables(tx).deleteFrom('person').where('id', 'in', gone).execute()
  await savePersons(tx, after)
  const nodes = after.flatMap(({ id, person }) => person.nodes.map((node) => [node, id] as const))
  await sql`
    update identifier set person_id = moved.person_id
    from unnest(${nodes.map(([node]) => node)}::bigint[], ${nodes.map(([, id]) => id)}::bigint[]) as moved (id, person_id)
    where identifier.id = moved.id and identifier.person_id <> moved.person_id`.execute(tx)
}

/** Keeps links not told before; those taken back stay so. Returns the new ones. */
export async function saveLinks(tx: WorkerTransaction, links: readonly Link[], atMs: number): Promise<Link[]> {
  if (links.length === 0) return []
  const rows = await tables(tx)
    .insertInto('identity_link')
    .values(links.map(([a, b]) => ({ a: Math.min(a, b), b: Math.max(a, b), linked_at: new Date(atMs) })))
    .onConflict((conflict) => conflict.columns(['a', 'b']).doNothing())
    .returning(['a', 'b'])
    .execute()
  return rows.map(({ a, b }) => [a, b] as const)
}

/**
 * Takes back that two identifiers are one person's, and splits the person where nothing else connects them: every figure
 * becomes what it would be had they never been linked. False when no such link stands.
 */
export async function unlink(
  tx: WorkerTransaction,
  keys: readonly [string, string],
  by: { readonly name: string; readonly timeMs: number },
): Promise<boolean> {
  const known = await tables(tx).selectFrom('identifier').select(['id', 'key']).where('key', 'in', keys).execute()
  const [a, b] = known.map(({ id }) => id).sort((x, y) => x - y)
  if (a === undefined || b === undefined) return false
  const { personOf } = await lockPersons(tx, keys)
  const removed = await tables(tx)
    .updateTable('identity_link')
    .set({ removed_at: new Date(by.timeMs), removed_by: by.name })
    .where('a', '=', a)
    .where('b', '=', b)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  const locked = personOf.get(a)
  if (removed.numUpdatedRows === 0n || locked === undefined) return false
  const links = await tables(tx)
    .selectFrom('identity_link')
    .select(['a', 'b'])
    .where('a', 'in', locked.person.nodes)
    .where('removed_at', 'is', null)
    .execute()
  const parts = componentsOf(
    locked.person.nodes,
    links.map((link) => [link.a, link.b] as const),
  )
  const after = [...parts].map(([id, nodes]) => ({ id, person: partOf(locked.person, new Set(nodes)) }))
  await recount(tx, [locked], after)
  await replacePersons(tx, [locked.id], after)
  return true
}

/** Subtracts what persons came to in the figures, and adds what those in their place do. */
export async function recount(
  tx: WorkerTransaction,
  before: readonly LockedPerson[],
  after: readonly LockedPerson[],
): Promise<void> {
  const held = new Map<number, AccountRow>()
  await holdAccounts(tx, held, accountsOf([...before, ...after]))
  const subjectsOf = subjectsIn(held)
  const tally: Tally = new Map()
  for (const { person } of before) countPerson(person, subjectsOf, tally, -1)
  for (const { person } of after) countPerson(person, subjectsOf, tally, 1)
  await saveCells(tx, tally)
}
