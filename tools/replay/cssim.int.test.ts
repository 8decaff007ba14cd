import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { customerSuccess } from '@plimsoll/customer-success/service.ts'
import { gateway } from '@plimsoll/gateway/service.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

const DAYS = 76
/** Four accounts of five are treated and stay, the fifth is left alone, falls silent and cancels. */
const ACCOUNTS = 60
const [TRIGGERED, SILENT, CANCELLED] = [5, 30, 60]
const LEFT = ACCOUNTS / 5
const isLeft = (account: number): boolean => account % 5 === 0

let stack: Stack
let running: Running
let data: string

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'plimsoll-replay-'))
  await writeRecording(join(data, 'customer-success', 'cs-sim'))
  stack = await startStack()
  running = await startOn(stack, [gateway, customerSuccess])
})
afterAll(async () => {
  await running?.stop()
  await stack?.stop()
  await rm(data, { recursive: true, force: true })
})

async function writeRecording(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const write = (name: string, columns: string, rows: readonly (readonly (string | number)[])[]) =>
    writeFile(join(folder, `${name}.csv.gz`), gzipSync([columns, ...rows.map((row) => row.join(',')), ''].join('\n')))
  const accounts = Array.from({ length: ACCOUNTS }, (_, account) => account)
  const days = Array.from({ length: DAYS }, (_, day) => day)
  const events = days.flatMap((day) =>
    accounts
      .filter((account) => !isLeft(account) || day < SILENT)
      .map((account) => [`${account}-${day}`, day, 3_600, account, `${account}-0`, 'report_made']),
  )
  await write(
    'accounts',
    'account_id,segment,seats,mrr,start_day',
    accounts.map((id) => [id, 'smb', 3, '99.50', 0]),
  )
  await write('events', 'message_id,day,second,account_id,user_id,event', events)
  await write(
    'outcomes',
    'account_id,cancel_day,cause,risk_onset_day,recovered',
    accounts.map((id) => [id, isLeft(id) ? CANCELLED : '', 'usage_decline', TRIGGERED, isLeft(id) ? 0 : 1]),
  )
  await write(
    'actions',
    'account_id,day,trigger,arm',
    accounts.map((id) => [id, TRIGGERED, 'usage_decline', isLeft(id) ? 'holdout' : 'treated']),
  )
  await write('tickets', 'ticket_id,account_id,opened_day,severity,resolved_day,csat', [['t1', 0, 3, 'low', 4, 5]])
  await write('invoices', 'invoice_id,account_id,due_day,amount,status,paid_day', [['i1', 0, 1, '99.50', 'paid', 2]])
  await write('nps', 'account_id,user_id,day,score', [[0, '0-0', 6, 9]])
}

/** As a person runs it. */
function replay(): Promise<{ readonly out: string; readonly err: string }> {
  const tool = fileURLToPath(new URL('main.ts', import.meta.url))
  const options = ['--dataset', 'cs-sim', '--data', data, '--url', running.url, '--json']
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [tool, ...options], (error, out, err) =>
      error === null ? resolve({ out, err }) : reject(new Error(err, { cause: error })),
    )
  })
}

test('a replayed recording goes the whole way: scores, risks with reasons, campaigns with their effect', {
  timeout: 180_000,
}, async () => {
  const { out, err } = await replay()
  expect(err).toContain('1 campaigns of the recording are put down')
  expect(err).toContain('Fewer than')
  const story = JSON.parse(out)
  expect(story).toMatchObject({
    items: ACCOUNTS + LEFT + ACCOUNTS + (ACCOUNTS - LEFT) * DAYS + LEFT * SILENT + 3,
    assessment: { raises: { raised: LEFT, precision: { rate: 1 }, coverage: { rate: 1 } } },
    effects: [
      {
        ...{ playbook: 'recorded-usage-decline', effect: 1 },
        ...{ treated: { n: ACCOUNTS - LEFT, reached: ACCOUNTS - LEFT }, heldOut: { n: LEFT, reached: 0 } },
      },
    ],
  })
  const bands: { accounts: number }[] = story.distribution.bands
  expect(bands.reduce((sum, { accounts }) => sum + accounts, 0)).toBe(ACCOUNTS - LEFT)
})
