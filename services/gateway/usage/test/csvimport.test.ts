import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { storedFacts, storedUsage, type TestUsage, testUsage } from './harness.ts'

let usage: TestUsage
beforeEach(async () => {
  usage = await testUsage()
})
afterEach(() => usage.close())

const post = async (query: string, table: string | Buffer) => {
  const response = await usage.post(`/v1/import/csv?${query}`, table, { 'content-type': 'text/csv' })
  return { status: response.statusCode, report: response.json() }
}

const tickets = 'Ticket ID,Account,Priority,Created,Agent\nT1,acme,P1,2026-11-20,Ann\nT2,,high,yesterday,Bob\nT3,acme\n'
const problems = [
  { line: 3, problem: expect.stringMatching(/accountId must be .*; openedAt must be .*"yesterday"/) },
  { line: 4, problem: '2 cells where the first line names 5 columns' },
]

test('a dry run shows the mapping, the rows as they would be stored and what to fix, and stores nothing', async () => {
  const { status, report } = await post('kind=tickets&dry_run=1', tickets)
  expect([status, report]).toMatchObject([
    200,
    {
      dryRun: true,
      rows: 3,
      accepted: 1,
      refused: 2,
      mapping: { ticketId: 'Ticket ID', accountId: 'Account', severity: 'Priority', openedAt: 'Created' },
      unusedColumns: ['Agent'],
      preview: [{ ticketId: 'T1', accountId: 'acme', severity: 'urgent', openedAt: Date.parse('2026-11-20') }],
      problems,
    },
  ])
  expect(await storedFacts(usage.log)).toEqual([])
})

test('the import stores what is good; the same table again changes nothing', async () => {
  expect((await post('kind=tickets', tickets)).report).toMatchObject({
    accepted: 1,
    duplicate: 0,
    refused: 2,
    problems,
  })
  expect((await post('kind=tickets', tickets)).report).toMatchObject({ accepted: 0, duplicate: 1, refused: 2 })
  expect(await storedFacts(usage.log)).toHaveLength(1)
  const refused = usage.ledger.entries().find(({ protocol }) => protocol === 'csv')?.refused
  expect(refused?.get('invalid-fact')?.count).toBe(4)
})

test('a mapping that is given wins; columns it does not know and fields without one are named', async () => {
  const table = 'a,b,c,d\nT1,acme,2026-11-20,low\n'
  const given = await post('kind=tickets&map=ticketId:a,accountId:b,openedAt:c,severity:d', table)
  expect(given.report).toMatchObject({ accepted: 1, preview: [{ ticketId: 'T1', severity: 'low' }] })
  const { status, report } = await post('kind=tickets&map=ticketId:a,colour:b,openedAt:z', table)
  expect(status).toBe(400)
  for (const part of ['"colour" is no field', '"z" is no column', 'no column is accountId']) {
    expect(report.detail).toContain(part)
  }
})

test('of two columns with one name none is guessed to be the one that is meant', async () => {
  const { status, report } = await post('kind=tickets', 'id,account,account,created\nT1,acme,globex,2026-11-20\n')
  expect([status, report.detail]).toEqual([400, expect.stringContaining('two columns are called "account"')])
  // What no field is taken from may be called what it likes.
  const table = 'id,account,note,note,,,created\nT1,acme,a,b,,,2026-11-20\n'
  expect((await post('kind=tickets', table)).report).toMatchObject({ accepted: 1 })
  const traits = await post('kind=accounts', 'account_id,region,region\na1,EU,US\n')
  expect(traits.report.detail).toContain('two columns are called "region"')
})

test('a table in another encoding is refused with the line that shows it', async () => {
  const table = Buffer.from('id,account,created\nT1,Muller,2026-11-20\nT2,M\xfcller,2026-11-20\n', 'latin1')
  const { status, report } = await post('kind=tickets', table)
  expect([status, report.detail]).toEqual([400, 'line 3 of the body is not UTF-8: save or send it as UTF-8.'])
})

test.each([
  ['12,50', 1250],
  ['1.234,50', 123450],
  ['-3,5', -350],
  ['12.50', 1250],
])('%s between semicolons is an amount', async (amount, amountMinor) => {
  const table = `id;account;amount;due\n1;acme;${amount};2026-11-01\n`
  expect((await post('kind=invoices&currency=EUR', table)).report.preview).toMatchObject([{ amountMinor }])
})

test('between commas, 12,50 is no amount', async () => {
  const { report } = await post('kind=invoices&currency=EUR', 'id,account,amount,due\n1,acme,"12,50",2026-11-01\n')
  expect(report.problems).toEqual([{ line: 2, problem: expect.stringContaining('amount must be a number') }])
})

test('accounts become group events with every column as a trait', async () => {
  await post('kind=accounts', 'account_id,account_name,plan_tier,country\na1,Acme,Pro,DE\n')
  expect(await storedUsage(usage.log)).toMatchObject([
    {
      kind: 'group',
      accountId: 'a1',
      properties: { name: 'Acme', plan: 'Pro', country: 'DE' },
      context: { plan: 'Pro' },
    },
  ])
})

const folder = resolve(process.env.PLIMSOLL_DATA ?? '../shared/data', 'customer-success')
const days = '&day0=2025-01-01&currency=USD'

/** Tables of others as they are: rows, and what has to be said for them to be understood. */
test.each([
  ['cs-sim/tickets', 'kind=tickets&day0=2025-01-01'],
  ['cs-sim/invoices', `kind=invoices${days}`],
  ['cs-sim/nps', 'kind=nps&day0=2025-01-01'],
  ['cs-sim/accounts', `kind=subscriptions${days}`],
  ['ravenstack-support_tickets', 'kind=tickets'],
  ['ravenstack-subscriptions', 'kind=subscriptions&currency=USD'],
  ['ravenstack-accounts', 'kind=accounts'],
])('every row of %s is understood', async (name, query) => {
  const table = readFileSync(resolve(folder, `${name}.csv.gz`))
  const { status, report } = await post(`${query}&dry_run=1`, table)
  expect([status, report.problems]).toEqual([200, []])
  expect(report.rows).toBeGreaterThan(400)
  expect(report.accepted).toBe(report.rows)
})

test('days need a day 0, amounts a currency', async () => {
  const table = 'invoice_id,account_id,due_day,amount\n1,a,49,102.16\n'
  const { report } = await post('kind=invoices', table)
  expect(report.problems[0].problem).toMatch(/currency must be .*; dueAt must be .*"day0".*"49"/)
  const { report: better } = await post(`kind=invoices${days}`, table)
  expect(better.preview).toMatchObject([{ amountMinor: 10216, currency: 'USD', dueAt: Date.parse('2025-02-19') }])
})

test('contacts say what is decided and no more; what is no clear answer is refused, row by row', async () => {
  const table = [
    'Account;User ID;E-mail;Time zone;Role;Opt-in;Do not contact',
    'acme;ann;ann@acme.example;Europe/Berlin;admin, sponsor;yes;',
    'acme;bob;;;;;TRUE',
    'acme;cy;cy at acme;Mars/Olympus;;maybe;',
    'acme;;d@acme.example;;;;',
  ].join('\n')
  const { report } = await post('kind=contacts&dry_run=1', table)
  expect(report).toMatchObject({
    ...{ rows: 4, accepted: 2, refused: 2, unusedColumns: [] },
    preview: [
      {
        ...{ accountId: 'acme', userId: 'ann', email: 'ann@acme.example', timeZone: 'Europe/Berlin' },
        ...{ roles: ['admin', 'sponsor'], consent: true, doNotContact: null },
      },
      { userId: 'bob', email: '', timeZone: '', roles: [], consent: null, doNotContact: true },
    ],
    problems: [
      {
        line: 4,
        problem: expect.stringMatching(/email must be .*; timeZone must be .*; consent must be one of 0, 1, true,/),
      },
      { line: 5, problem: expect.stringMatching(/^userId must be/) },
    ],
  })
  expect((await post('kind=contacts', table)).report).toMatchObject({ accepted: 2, refused: 2 })
  expect(await storedFacts(usage.log)).toHaveLength(2)
})
