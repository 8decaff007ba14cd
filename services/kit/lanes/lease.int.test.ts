import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { WorkerDatabase } from '../db/database.ts'
import { migrateService } from '../db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '../db/pool.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import {
  acquire,
  advance,
  announceMember,
  ensureLanes,
  halt,
  listLanes,
  release,
  removeMember,
  renew,
} from './lease.ts'

let stack: Stack
let database: ServiceDatabase
let db: WorkerDatabase<unknown>
const key = { processor: 'echo', version: 1, lane: 3 }

beforeAll(async () => {
  stack = await startStack({ nats: false })
  await migrateService({ url: stack.databaseUrl, service: 'performance' })
  database = openDatabase({ url: stack.databaseUrl, service: 'performance' })
  db = database.worker
})
afterAll(async () => {
  await database.close()
  await stack.stop()
})
beforeEach(async () => {
  await sql`delete from lane`.execute(db)
  await ensureLanes(db, 'echo', 1, 16)
})

const expire = () => sql`update lane set lease_until = now() - interval '1 second'`.execute(db)
const row = async () => (await listLanes(db)).find(({ lane }) => lane === key.lane)

test('invariant 1: a lane is had by one owner until its lease runs out, and each owner has a higher epoch', async () => {
  const first = await acquire(db, key, 'one')
  expect(first).toMatchObject({ epoch: 1, seq: 0 })
  expect(await acquire(db, key, 'two')).toBeUndefined()
  await expire()
  expect(await acquire(db, key, 'two')).toMatchObject({ epoch: 2 })
  expect(await acquire(db, key, 'one')).toBeUndefined()
})

test('of many that ask at once, one gets the lane', async () => {
  const owners = Array.from({ length: 10 }, (_, i) => `owner-${i}`)
  const leases = await Promise.all(owners.map((owner) => acquire(db, key, owner)))
  expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1)
})

test('a released lane is free at once, and only its owner can release it', async () => {
  const first = await acquire(db, key, 'one')
  if (!first) throw new Error('not acquired')
  await release(db, { ...first, epoch: first.epoch - 1 })
  expect(await acquire(db, key, 'two')).toBeUndefined()
  await release(db, first)
  expect(await acquire(db, key, 'two')).toMatchObject({ epoch: 2 })
})

test('renewing keeps the lanes that are worked, and does not wait for one that is being committed', async () => {
  const lease = await acquire(db, key, 'one')
  if (!lease) throw new Error('not acquired')
  await acquire(db, { ...key, lane: 4 }, 'one')
  await acquire(db, { ...key, lane: 5 }, 'one')
  await sql`update lane set lease_until = now() + interval '1 second' where owner = 'one'`.execute(db)
  await db.transaction().execute(async (tx) => {
    await advance(tx, lease, { seq: 1, seqTimeMs: 0, incarnation: 'a' })
    await renew(db, 'one', [key, { ...key, lane: 4 }])
  })
  const { rows } = await sql<{ lane: number; long: boolean }>`
    select lane, lease_until > now() + interval '10 seconds' as long from lane where owner = 'one' order by lane`.execute(
    db,
  )
  expect(rows).toEqual([
    { lane: 3, long: true },
    { lane: 4, long: true },
    { lane: 5, long: false },
  ])
})

test('invariant 5: a commit under an old epoch changes nothing', async () => {
  const old = await acquire(db, key, 'one')
  if (!old) throw new Error('not acquired')
  await expire()
  await acquire(db, key, 'two')
  const commit = db.transaction().execute((tx) => advance(tx, old, { seq: 5, seqTimeMs: 0, incarnation: 'a' }))
  await expect(commit).rejects.toMatchObject({ code: 'lane-fenced' })
  expect(await row()).toMatchObject({ seq: 0, owner: 'two' })
})

test('invariant 5: a commit from another checkpoint than the row has changes nothing', async () => {
  const lease = await acquire(db, key, 'one')
  if (!lease) throw new Error('not acquired')
  const to = { seq: 5, seqTimeMs: 0, incarnation: 'a' }
  await db.transaction().execute((tx) => advance(tx, lease, to))
  const again = db.transaction().execute((tx) => advance(tx, lease, to))
  await expect(again).rejects.toMatchObject({ code: 'lane-fenced' })
})

test('a new owner waits for a commit that is under way, and starts from where that ends', async () => {
  const old = await acquire(db, key, 'one')
  if (!old) throw new Error('not acquired')
  await expire()
  let taken: ReturnType<typeof acquire> | undefined
  await db.transaction().execute(async (tx) => {
    await advance(tx, old, { seq: 7, seqTimeMs: 1_000, incarnation: 'a' })
    taken = acquire(db, key, 'two')
    await new Promise((resolve) => setTimeout(resolve, 100))
  })
  // The commit has extended the lease as well: nothing was taken over.
  expect(await taken).toBeUndefined()
  await expire()
  expect(await acquire(db, key, 'two')).toMatchObject({ seq: 7, seqTimeMs: 1_000, incarnation: 'a' })
})

test('a process that freezes inside a commit is cut off, so that it cannot hold the lane', async () => {
  const { rows } = await sql<{ timeout: string }>`
    select current_setting('idle_in_transaction_session_timeout') as timeout`.execute(db)
  expect(rows).toEqual([{ timeout: '15s' }])
})

test('a halted lane is had by nobody, and says why', async () => {
  const lease = await acquire(db, key, 'one')
  if (!lease) throw new Error('not acquired')
  await halt(db, lease, 'the stream was made again')
  await expire()
  expect(await acquire(db, key, 'two')).toBeUndefined()
  expect(await row()).toMatchObject({ haltedReason: 'the stream was made again', owner: null })
})

test('members are counted while they are heard of', async () => {
  expect(await announceMember(db, 'one')).toBe(1)
  expect(await announceMember(db, 'two')).toBe(2)
  await sql`update lane_member set seen_until = now() - interval '1 second' where owner = 'one'`.execute(db)
  expect(await announceMember(db, 'two')).toBe(1)
  await removeMember(db, 'two')
  expect(await announceMember(db, 'three')).toBe(1)
})
