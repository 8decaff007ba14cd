import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exportRoute } from '../http/privacy-export.ts'
import { customerSuccess } from '../service.ts'
import type { Tables } from '../store/tables.ts'

/** Far more than buffers on the way hold: thirty megabytes of tickets. */
const TICKETS = 30_000
/** What the export has for its client, test by test. */
const patience = { idleMs: 60_000, wholeMs: 60_000 }

let stack: Stack
let running: Running
let database: ServiceDatabase<Tables>

beforeAll(async () => {
  stack = await startStack()
  const { processors, tickers, start, ...rest } = customerSuccess
  running = await startOn(stack, [{ ...rest, routes: (context) => [exportRoute(context, patience)] }], {
    LOG_LEVEL: 'fatal',
  })
  database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
  await sql`insert into account (account_id) values ('acme')`.execute(database.worker)
  await sql`
    insert into ticket_state (source, ticket_id, updated_at, account_id, user_id, severity, opened_at, reopened, text)
    select 'desk', n, now(), 'acme', '', 'low', now(), 0, repeat('x', 1000)
    from generate_series(1, ${TICKETS}) as n`.execute(database.worker)
})
afterAll(async () => {
  await database?.close()
  await running?.stop()
  await stack?.stop()
})

async function answer(): Promise<IncomingMessage> {
  const [response] = await once(get(`${running.url}/v1/customer-success/privacy/export?accountId=acme`), 'response')
  return response as IncomingMessage
}

/** Transactions that read tickets: seen by their locks, which every role may see. */
async function reading(): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from pg_locks where relation = 'ticket_state'::regclass`.execute(database.worker)
  return rows[0]?.n ?? 0
}

test('a client that takes it gets all of it', { timeout: 20_000 }, async () => {
  const text = (await (await answer()).toArray()).join('')
  const lines = text.trimEnd().split('\n')
  expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ kind: 'end', lines: { ticket_state: TICKETS, account: 1 } })
})

test.each([
  { idleMs: 1_000, wholeMs: 60_000 },
  { idleMs: 60_000, wholeMs: 1_000 },
])(
  '%j: a client that does not take it is cut off, and what the export held is free',
  { timeout: 20_000 },
  async (given) => {
    Object.assign(patience, given)
    const response = await answer()
    await expect.poll(reading).toBe(1)
    await expect.poll(reading, { timeout: 5_000 }).toBe(0)
    let last = ''
    response.setEncoding('utf8').on('data', (text: string) => {
      last = text
    })
    await expect(once(response, 'end')).rejects.toThrow(/aborted/)
    expect(last).not.toContain('"kind":"end"')
  },
)
