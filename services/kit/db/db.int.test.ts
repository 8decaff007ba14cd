import { CompiledQuery, type Kysely, sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isTransient } from '../errors.ts'
import { type Stack, startStack } from '../testing/stack.ts'
import { type BulkColumn, bulkAppend, bulkUpsert } from './bulk.ts'
import { migrateService } from './migrate.ts'
import { createDayPartition, maintainDayPartitions } from './partitions.ts'
import { openDatabase, roleDatabase, type ServiceDatabase } from './pool.ts'

type Tables = {
  counter: { series: number; total: number }
  every_type: {
    id: number
    big: string
    small: number
    ratio: number
    ok: boolean
    name: string
    raw: Buffer
    doc: unknown
    at: Date
    day: string
  }
  sample: { at: Date; value: number }
}

let stack: Stack
let performance: ServiceDatabase<Tables>
let reporting: ServiceDatabase<Tables>
const url = () => stack.databaseUrl

beforeAll(async () => {
  stack = await startStack()
  const migrations = new URL('./test-migrations/', import.meta.url)
  await migrateService({ url: url(), service: 'performance', migrations })
  await migrateService({ url: url(), service: 'reporting' })
  performance = openDatabase({ url: url(), service: 'performance' })
  reporting = openDatabase({ url: url(), service: 'reporting' })
})
afterAll(async () => {
  await performance.close()
  await reporting.close()
  await stack.stop()
})

const messageOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: Error) => error.message,
  )

describe('roles and grants', () => {
  test('no service reads another’s schema, as worker or as reader', async () => {
    for (const db of [reporting.worker, reporting.reader as typeof reporting.worker]) {
      expect(await messageOf(sql`select * from performance.counter`.execute(db))).toContain(
        'permission denied for schema performance',
      )
    }
  })

  test('a worker writes but does not change tables', async () => {
    await performance.worker.insertInto('counter').values({ series: -1, total: 0 }).execute()
    expect(await messageOf(sql`alter table counter add column x int`.execute(performance.worker))).toContain(
      'must be owner',
    )
    expect(await messageOf(sql`create table mine (id int)`.execute(performance.worker))).toContain(
      'permission denied for schema',
    )
  })

  test('a reader reads and does not write', async () => {
    expect(await performance.reader.selectFrom('counter').selectAll().execute()).toBeInstanceOf(Array)
    const write = sql`delete from counter`.execute(performance.reader as typeof performance.worker)
    expect(await messageOf(write)).toMatch(/read-only transaction|permission denied/)
  })
})

describe('migrations', () => {
  test('a second run does nothing, and several at once do not collide', async () => {
    await Promise.all(Array.from({ length: 5 }, () => migrateService({ url: url(), service: 'customer-success' })))
    const db = roleDatabase<{ lane: { processor: string } }>({
      url: url(),
      service: 'customer-success',
      role: 'worker',
      connections: 1,
    })
    expect(await db.selectFrom('lane').selectAll().execute()).toEqual([])
    await db.destroy()
  })

  test('a user without the rights is told which to ask for', async () => {
    const admin = new pg.Client({ connectionString: url() })
    await admin.connect()
    await admin.query(`drop role if exists nobody_much; create role nobody_much login password 'x'`)
    await admin.end()
    const poor = new URL(url())
    poor.username = 'nobody_much'
    poor.password = 'x'
    await expect(migrateService({ url: poor.href, service: 'scaling' })).rejects.toThrow('alter role <user> createrole')
  })

  test('a user that may create roles and schemas is enough', async () => {
    const admin = new pg.Client({ connectionString: url() })
    await admin.connect()
    const { rows } = await admin.query('select current_database() as name')
    await admin.query(`drop role if exists plimsoll_admin; create role plimsoll_admin login password 'x' createrole;
      grant create on database "${rows[0].name}" to plimsoll_admin`)
    await admin.end()
    const owner = new URL(url())
    owner.username = 'plimsoll_admin'
    owner.password = 'x'
    await migrateService({ url: owner.href, service: 'cost' })
    const cost = openDatabase<{ lane: { lane: number } }>({ url: owner.href, service: 'cost' })
    expect(await cost.worker.selectFrom('lane').selectAll().execute()).toEqual([])
    expect(await messageOf(sql`select * from performance.counter`.execute(cost.worker))).toContain('permission denied')
    await cost.close()
  })

  test('a migration that fails says which, and changes nothing', async () => {
    const migrations = new URL('./test-migrations-failing/', import.meta.url)
    await expect(migrateService({ url: url(), service: 'operations', migrations })).rejects.toThrow(
      '0001_broken of schema operations',
    )
    const db = roleDatabase<{ half: object }>({ url: url(), service: 'operations', role: 'owner', connections: 1 })
    expect(await messageOf(db.selectFrom('half').selectAll().execute())).toContain('does not exist')
    await db.destroy()
  })
})

describe('bulk writes', () => {
  beforeEach(async () => {
    await performance.worker.deleteFrom('counter').execute()
    await performance.worker.deleteFrom('every_type').execute()
  })

  const counter = (series: number[], total: number[]): BulkColumn[] => [
    { name: 'series', type: 'int4', values: Int32Array.from(series) },
    { name: 'total', type: 'float8', values: Float64Array.from(total) },
  ]
  const totals = async () =>
    (await performance.worker.selectFrom('counter').selectAll().orderBy('series').execute()).map(({ total }) => total)

  const day = Date.UTC(2026, 10, 23)
  const everyType: BulkColumn[] = [
    { name: 'id', type: 'int4', values: [1, 2, 3] },
    { name: 'big', type: 'int8', values: [-(2n ** 62n), 2 ** 40 + 1, null] },
    { name: 'small', type: 'int2', values: [-7, 7, null] },
    { name: 'ratio', type: 'float8', values: [Number.NaN, Number.NEGATIVE_INFINITY, null] },
    { name: 'ok', type: 'bool', values: [true, false, null] },
    { name: 'name', type: 'text', values: ['Größe "x", {y}\\ 😀', '', null] },
    { name: 'raw', type: 'bytea', values: [Uint8Array.of(0, 255), new Uint8Array(), null] },
    { name: 'doc', type: 'jsonb', values: [{ a: [1, 'é'] }, 'null', undefined] },
    { name: 'at', type: 'timestamptz', values: [day + 1.5, -1, null] },
    { name: 'day', type: 'date', values: [day + 5_000, -1, null] },
  ]
  const upsertEveryType = () =>
    bulkUpsert(performance.worker, { table: 'every_type', columns: everyType, key: ['id'], onConflict: 'replace' })
  const writers = {
    bulkUpsert: upsertEveryType,
    'bulkUpsert over rows that are there': async () => {
      await sql`insert into every_type (id, small, name) values (1, 9, 'a'), (2, 9, 'b'), (3, 9, 'c')`.execute(
        performance.worker,
      )
      await upsertEveryType()
    },
    bulkAppend: () => bulkAppend(performance.worker, 'every_type', everyType),
  }
  test.each(Object.entries(writers))('%s keeps every type and null', async (_, write) => {
    await write()
    const rows = await performance.worker
      .selectFrom('every_type')
      .select(['id', 'small', 'ratio', 'ok', 'name', 'raw', 'doc', 'day'])
      .select([sql<string>`big::text`.as('big'), sql<number>`extract(epoch from at)::float8 * 1000`.as('at')])
      .orderBy('id')
      .execute()
    expect(rows).toEqual([
      {
        id: 1,
        big: '-4611686018427387904',
        small: -7,
        ratio: Number.NaN,
        ok: true,
        name: 'Größe "x", {y}\\ 😀',
        raw: Buffer.of(0, 255),
        doc: { a: [1, 'é'] },
        at: day + 1.5,
        day: '2026-11-23',
      },
      {
        id: 2,
        big: '1099511627777',
        small: 7,
        ratio: Number.NEGATIVE_INFINITY,
        ok: false,
        name: '',
        raw: Buffer.alloc(0),
        doc: 'null',
        at: -1,
        day: '1969-12-31',
      },
      ...[
        { id: 3, big: null, small: null, ratio: null, ok: null, name: null, raw: null, doc: null, at: null, day: null },
      ],
    ])
  })

  test('text with NUL is refused by the server, by either way', async () => {
    const columns: BulkColumn[] = [
      { name: 'id', type: 'int4', values: [1] },
      { name: 'name', type: 'text', values: ['a\0b'] },
    ]
    const upsert = bulkUpsert(performance.worker, { table: 'every_type', columns, key: ['id'], onConflict: 'keep' })
    await expect(upsert).rejects.toMatchObject({ code: '22021' })
    await expect(bulkAppend(performance.worker, 'every_type', columns)).rejects.toMatchObject({ code: '22021' })
  })

  test('eight megabytes are one statement', async () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => i)
    const columns: BulkColumn[] = [
      { name: 'id', type: 'int4', values: ids },
      { name: 'raw', type: 'bytea', values: ids.map((id) => Buffer.alloc(8_000, id)) },
    ]
    const upsert = { table: 'every_type', columns, key: ['id'], onConflict: 'replace' } as const
    expect(await bulkUpsert(performance.worker, upsert)).toBe(1_000)
    const last = await performance.worker
      .selectFrom('every_type')
      .select('raw')
      .where('id', '=', 999)
      .executeTakeFirst()
    expect(last?.raw).toEqual(Buffer.alloc(8_000, 999))
  })

  test.each([3, 2_000])('upserting %i rows replaces, keeps or adds as told', async (count) => {
    const series = Array.from({ length: count }, (_, i) => i)
    const write = (value: number, onConflict: 'replace' | 'keep' | Record<string, string>) =>
      performance.worker.transaction().execute((tx) =>
        bulkUpsert(tx, {
          table: 'counter',
          columns: counter(
            series,
            series.map(() => value),
          ),
          key: ['series'],
          onConflict,
        }),
      )
    expect(await write(1, 'replace')).toBe(count)
    await write(2, 'replace')
    expect(await totals()).toEqual(series.map(() => 2))
    expect(await write(9, 'keep')).toBe(0)
    expect(await totals()).toEqual(series.map(() => 2))
    await write(3, { total: 'counter.total + excluded.total' })
    expect(await totals()).toEqual(series.map(() => 5))
  })

  test('a copy is part of its transaction', async () => {
    const work = performance.worker.transaction().execute(async (tx) => {
      await bulkAppend(tx, 'counter', counter([1, 2], [1, 2]))
      throw new Error('changed my mind')
    })
    await expect(work).rejects.toThrow('changed my mind')
    expect(await totals()).toEqual([])
  })

  test('a copy that the server refuses rejects, and the connection goes on', async () => {
    const single = roleDatabase<Tables>({ url: url(), service: 'performance', role: 'worker', connections: 1 })
    await bulkAppend(single, 'counter', counter([1], [1]))
    await expect(bulkAppend(single, 'counter', counter([1], [1]))).rejects.toMatchObject({ code: '23505' })
    await bulkAppend(single, 'counter', counter([2], [2]))
    expect(await totals()).toEqual([1, 2])
    await single.destroy()
  })

  test('nothing to write is no statement', async () => {
    expect(
      await bulkUpsert(performance.worker, {
        table: 'no_such_table',
        columns: counter([], []),
        key: [],
        onConflict: 'keep',
      }),
    ).toBe(0)
  })
})

describe('day partitions', () => {
  const day = 86_400_000
  const now = Date.UTC(2026, 10, 23, 12)
  const partitions = async () => {
    const { rows } = await sql<{ name: string }>`
      select relname as name from pg_class where relispartition and relnamespace = 'performance'::regnamespace and relkind = 'r' order by 1`.execute(
      performance.worker,
    )
    return rows.map(({ name }) => name)
  }

  test('are made ahead and dropped by age, by the worker', async () => {
    await createDayPartition(performance.worker, 'sample', now - 9 * day)
    await createDayPartition(performance.worker, 'sample', now - 2 * day)
    await bulkAppend(performance.worker, 'sample', [
      { name: 'at', type: 'timestamptz', values: [now - 9 * day, now - 2 * day] },
      { name: 'value', type: 'float8', values: [1, 2] },
    ])
    await maintainDayPartitions(performance.worker, { table: 'sample', keepDays: 3, aheadDays: 2 }, now)
    await maintainDayPartitions(performance.worker, { table: 'sample', keepDays: 3, aheadDays: 2 }, now)
    expect(await partitions()).toEqual(
      [22, 23, 24, 25].map((d) => `sample_202611${d}`).toSpliced(0, 0, 'sample_20261121'),
    )
    expect((await performance.worker.selectFrom('sample').select('value').execute()).map(({ value }) => value)).toEqual(
      [2],
    )
  })

  test('are made once by two transactions that want the same one', async () => {
    const made = Promise.withResolvers<void>()
    const mayEnd = Promise.withResolvers<void>()
    const first = performance.worker.transaction().execute(async (tx) => {
      const created = await createDayPartition(tx, 'sample', now + 40 * day)
      made.resolve()
      await mayEnd.promise
      return created
    })
    await made.promise
    const second = performance.worker.transaction().execute(async (tx) => {
      const created = await createDayPartition(tx, 'sample', now + 40 * day)
      await bulkAppend(tx, 'sample', [
        { name: 'at', type: 'timestamptz', values: [now + 40 * day] },
        { name: 'value', type: 'float8', values: [3] },
      ])
      return created
    })
    const waiting = sql<{ count: number }>`select count(*)::int4 as count from pg_locks where not granted`
    await expect.poll(async () => (await waiting.execute(reporting.worker)).rows[0]?.count).toBe(1)
    mayEnd.resolve()
    expect(await Promise.all([first, second])).toEqual([true, false])
  })

  test('exist for partitioned tables only', async () => {
    await expect(createDayPartition(performance.worker, 'counter', now)).rejects.toThrow(
      'counter is not a partitioned table',
    )
  })
})

describe('transient errors', () => {
  const restarted = (db: Kysely<Tables>) =>
    db.transaction().execute(async (tx) => {
      await tx.executeQuery(CompiledQuery.raw('select 1'))
      await stack.restartPostgres()
      await tx.executeQuery(CompiledQuery.raw('select 1'))
    })

  test('a restart of the server is one, also between two statements; a wrong statement is not', async () => {
    const db = roleDatabase<Tables>({ url: url(), service: 'performance', role: 'worker', connections: 1 })
    const sleeping = db.executeQuery(CompiledQuery.raw('select pg_sleep(30)')).catch((error: unknown) => error)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await stack.restartPostgres()
    expect(isTransient(await sleeping)).toBe(true)
    expect(isTransient(await restarted(db).catch((error: unknown) => error))).toBe(true)
    const wrong = await db.executeQuery(CompiledQuery.raw('select nonsense')).catch((error: unknown) => error)
    expect(isTransient(wrong)).toBe(false)
    await db.destroy()
  })
})
