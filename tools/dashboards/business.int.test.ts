import { readFileSync } from 'node:fs'
import { boardFiles } from '@plimsoll/dashboards/boards.ts'
import { roleDatabase } from '@plimsoll/kit/db/pool.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { reporting } from '@plimsoll/reporting/service.ts'
import { exampleAccountFacts } from '@plimsoll/reporting/test/example-accounts.ts'
import { createPublisher, eventually, startReporting } from '@plimsoll/reporting/test/running.ts'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sqlOf } from './lint.ts'

const roleFile = readFileSync(new URL('../../deploy/postgres/board-reader.sql', import.meta.url), 'utf8')

/** What Grafana would put for its macro. */
const filledIn = (query: string): string =>
  query.replaceAll(/\$__timeFilter\((\w+)\)/g, "$1 between now() - interval '90 days' and now()")

let stack: Stack
let running: Running
/** One connection, so that the role it takes on stays. */
let grafana: Kysely<unknown>

beforeAll(async () => {
  stack = await startStack()
  running = await startReporting(stack, [reporting])
  const publisher = await createPublisher(stack)
  for (const fact of exampleAccountFacts(Date.now())) await publisher.publish(fact)
  await publisher.close()
  await eventually<{ openRisks: number }>(`${running.url}/v1/reporting/book`, ({ openRisks }) => openRisks === 2)
  await eventually<{ actions: unknown[] }>(
    `${running.url}/v1/reporting/accounts/northwind-trading`,
    ({ actions }) => actions.length === 2,
  )
  grafana = roleDatabase({ url: stack.databaseUrl, service: 'reporting', role: 'owner', connections: 1 })
  await ask('set role none')
  // Twice: an upgrade runs it again.
  await ask(roleFile)
  await ask(roleFile)
  await ask('set role plimsoll_board')
})
afterAll(async () => {
  await grafana?.destroy()
  await running?.stop()
  await stack?.stop()
})

const ask = (query: string) => sql.raw(query).execute(grafana)

test.each(boardFiles().flatMap(({ dashboard }) => sqlOf(dashboard)))('$where shows rows', async ({ sql: query }) => {
  expect((await ask(filledIn(query))).rows.length).toBeGreaterThan(0)
})

test('accounts are counted by band, and an open action only while its outcome is not known', async () => {
  const bands = await ask('select band, count(*)::int as n from board_account group by band order by band')
  expect(bands.rows).toEqual([
    { band: 'at_risk', n: 2 },
    { band: 'churn_risk', n: 3 },
    { band: 'healthy', n: 3 },
  ])
  const open = await ask("select open_actions::int from board_account where account_id = 'northwind-trading'")
  expect(open.rows).toEqual([{ open_actions: 1 }])
})

test.each([
  ['select * from feed', 'permission denied for table feed'],
  ['select * from account_health', 'permission denied for table account_health'],
  ['select * from customer_success.account', /does not exist|permission denied/],
  ['delete from board_event', 'permission denied for view board_event'],
])('the role may not: %s', async (query, message) => {
  await expect(ask(query)).rejects.toThrow(message)
})
