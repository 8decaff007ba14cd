import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { type Running, startServices } from '@plimsoll/kit/run.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf, isoDay, startOf } from '../domain/day.ts'
import { customerSuccess } from '../service.ts'
import { publishUsage, usageEvent } from './usage-batches.ts'

const today = dayOf(Date.now())
const noon = (daysAgo: number): number => startOf(today - daysAgo) + DAY_MS / 2

let stack: Stack
let running: Running
let log: EventLog

beforeAll(async () => {
  stack = await startStack()
  running = await startServices([customerSuccess], {
    NATS_URL: stack.natsUrl,
    DATABASE_URL: stack.databaseUrl,
    PORT: '0',
    LOG_LEVEL: 'warn',
  })
  log = await connectJetStream({ url: stack.natsUrl })
})

afterAll(async () => {
  await log?.close()
  await running?.stop()
  await stack?.stop()
})

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`${running.url}/v1/customer-success${path}`)
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

type Active = {
  days: { day: string; events: number; new: number; active1: number | null; active7: number | null; active28: number }[]
}

const active = (query: string) => get<Active>(`/analytics/active?from=${isoDay(today - 9)}&to=${isoDay(today)}${query}`)

test('events become active persons of everybody, their account, plan and feature, each event once', async () => {
  const event = (id: string, userId: string, accountId: string, daysAgo: number, name: string) =>
    usageEvent({ id, userId, accountId, name, timeMs: noon(daysAgo) })
  const events = [
    usageEvent({
      id: 'g1',
      kind: 'group',
      userId: 'ann',
      accountId: 'acme',
      properties: '{"plan":"pro"}',
      timeMs: noon(9),
    }),
    event('e1', 'ann', 'acme', 8, 'exported'),
    event('e2', 'ann', 'acme', 2, 'exported'),
    event('e3', 'bob', 'acme', 2, 'searched'),
    event('e4', 'cyd', 'beta', 1, 'searched'),
  ]
  await publishUsage(log, events, Date.now())
  await publishUsage(log, [...events.slice(2), event('e5', 'cyd', 'beta', 0, 'searched')], Date.now())
  await expect.poll(async () => (await active('')).days.at(-1)?.events, { timeout: 20_000 }).toBe(1)
  await expect.poll(async () => (await active('')).days[1]?.events, { timeout: 20_000 }).toBe(1)

  const all = await active('')
  expect(all.days.map(({ events: count }) => count)).toEqual([0, 1, 0, 0, 0, 0, 0, 2, 1, 1])
  expect(all.days.map(({ active1 }) => active1)).toEqual([0, 1, 0, 0, 0, 0, 0, 2, 1, 1])
  expect(all.days.map(({ active7 }) => active7)).toEqual([0, 1, 1, 1, 1, 1, 1, 2, 3, 3])
  expect(all.days.map((day) => day.new)).toEqual([0, 1, 0, 0, 0, 0, 0, 1, 1, 0])
  expect((await active('&account=acme')).days.at(-1)).toMatchObject({ active7: 2, active28: 2 })
  expect((await active('&plan=pro')).days.at(-1)).toMatchObject({ active7: 2, active28: 2 })
  expect((await active('&feature=searched')).days.at(-1)).toMatchObject({ active1: 1, active7: 2 })
  expect((await active('&account=acme&feature=exported')).days.at(-1)).toMatchObject({ active7: null, active28: 1 })
})
