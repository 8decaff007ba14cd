import { type EventType, type EventValue, encodeEvent } from '@plimsoll/contracts/events.ts'
import { laneOf } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { openDatabase } from '@plimsoll/kit/db/pool.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { askJson, startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, dayOf, isoDay, startOf } from '../domain/day.ts'
import { customerSuccess } from '../service.ts'
import type { Tables } from '../store/tables.ts'
import { derivedOf } from './derived.ts'
import { publishUsage, usageEvent } from './usage-batches.ts'

/** Replayed history: ten weeks in which `fading` loses its use and gets tickets, and `steady` goes on. */
const DAYS = 70
const FADES_ON = 42
/** The day history ends on at first; the rest comes later, with what is late. */
const HALT = DAYS - 3
const today = dayOf(Date.now())
const first = today - DAYS

let stack: Stack
let running: Running
let log: EventLog

beforeAll(async () => {
  stack = await startStack()
  running = await startOn(stack, [customerSuccess])
  log = await connectJetStream({ url: stack.natsUrl })
})

afterAll(async () => {
  await log?.close()
  await running?.stop()
  await stack?.stop()
})

const call = <T>(method: string, path: string, body?: unknown) =>
  askJson<T>(`${running.url}/v1/customer-success${path}`, method, body)
const get = <T>(path: string) => call<T>('GET', path)

async function publish<T extends EventType>(type: T, key: string, value: EventValue<T>): Promise<void> {
  const data = encodeEvent(type, value)
  await log.publish({ subject: subjectOf(type, laneOf(key, log.lanes)), headers: { 'Plimsoll-Type': type }, data })
}

function use(accountId: string, dayIndex: number, people: number) {
  return Array.from({ length: people }, (_, person) =>
    usageEvent({
      id: `${accountId}-${dayIndex}-${person}`,
      accountId,
      userId: `${accountId}-${person}`,
      name: ['exported', 'searched', 'shared'][person % 3] ?? '',
      timeMs: startOf(first + dayIndex) + DAY_MS / 2,
    }),
  )
}

const useFor = (from: number, to: number) =>
  publishUsage(
    log,
    Array.from({ length: to - from + 1 }, (_, i) => [
      ...use('steady', from + i, 6),
      ...use('fading', from + i, from + i < FADES_ON ? 6 : 1),
    ]).flat(),
    Date.now(),
  )

const ticket = (accountId: string, dayIndex: number) =>
  publish('plimsoll.usage.v1.TicketRecorded', accountId, {
    ...{
      ticketId: crypto.randomUUID(),
      source: 'desk',
      accountId,
      userId: '',
      severity: 'urgent',
      reopened: 0,
      text: '',
    },
    openedAt: startOf(first + dayIndex),
    resolvedAt: null,
    csat: null,
    updatedAt: startOf(first + dayIndex),
    receivedAt: Date.now(),
  })

type Score = { day: string; revision: number; score: number | null; category: string; configurationVersion: number }
type List<T> = { items: T[]; next: string | null }

const history = (account: string) => get<List<Score>>(`/accounts/${account}/health/history?limit=200`)

const derived = <T extends EventType>(type: T) => derivedOf(log, type)

test('a replay of months is scored day by day, and a fall raises a risk that names it', {
  timeout: 180_000,
}, async () => {
  for (let n = 0; n < 6; n++) await ticket('fading', FADES_ON + n)
  await useFor(0, HALT)
  await expect
    .poll(async () => (await history('steady').catch(() => ({ items: [] }))).items[0]?.day, {
      timeout: 150_000,
      interval: 500,
    })
    .toBe(isoDay(first + HALT - 1))
  await expect.poll(() => derived('plimsoll.customer_success.v1.ChurnRiskRaised'), { timeout: 20_000 }).toHaveLength(1)

  const firsts = (await history('steady')).items.filter(({ revision }) => revision === 0)
  expect(new Set(firsts.map(({ day }) => day)).size).toBe(firsts.length)
  expect(firsts.every(({ configurationVersion }) => configurationVersion === 1)).toBe(true)
  const steady = await get<Score>('/accounts/steady/health')
  const fading = await get<Score & { trend28: number }>('/accounts/fading/health')
  expect(steady.category).toBe('healthy')
  expect(fading.score).toBeLessThan((steady.score ?? 0) - 30)
  expect(fading.trend28).toBeLessThan(-30)

  const [raised] = await derived('plimsoll.customer_success.v1.ChurnRiskRaised')
  expect(raised).toMatchObject({ accountId: 'fading', trigger: 'score' })
  expect(raised?.at).toBeGreaterThan(startOf(first + FADES_ON))
  const risks = await get<List<{ accountId: string; drivers: { metric: string }[] }>>('/churn-risk')
  expect(risks.items.map(({ accountId }) => accountId)).toEqual(['fading'])
  expect(risks.items[0]?.drivers.slice(0, 5).map(({ metric }) => metric)).toContain('usage')
})

test('an explanation adds up to what the score lost', async () => {
  const to = isoDay(first + FADES_ON + 14)
  const why = await get<{ change: number; from: Score; to: Score; lines: { points: number; text: string }[] }>(
    `/accounts/fading/health/explain?from=${isoDay(first + FADES_ON - 1)}&to=${to}`,
  )
  expect(why.change).toBeLessThan(-20)
  expect(why.change).toBe((why.to.score ?? 0) - (why.from.score ?? 0))
  expect(Math.abs(why.lines.reduce((sum, { points }) => sum + points, 0) - why.change)).toBeLessThan(1e-9)
})

test('what is told of an account follows it: within a point at each close, each step explained, a week too', async () => {
  const told = (await derived('plimsoll.customer_success.v1.HealthScoreChanged'))
    .filter(({ accountId, kind }) => accountId === 'fading' && kind === 'changed')
    .sort((a, b) => a.at - b.at)
  for (const [i, { score, previousScore, drivers, weekDrivers, band, trend7 }] of told.entries()) {
    expect(previousScore).toBe(told[i - 1]?.score ?? null)
    if (previousScore !== null) expect(sumOf(drivers)).toBeCloseTo((score ?? 0) - previousScore, 9)
    expect(sumOf(weekDrivers)).toBeCloseTo(band === 'healthy' ? 0 : (trend7 ?? 0), 9)
  }
  expect(told.some(({ weekDrivers }) => weekDrivers.length > 0)).toBe(true)
  const scores = new Map(
    (await history('fading')).items.flatMap(({ day, score, revision }) =>
      revision === 0 && score !== null ? [[dayOf(Date.parse(day)), score]] : [],
    ),
  )
  for (const [day, score] of scores) {
    const known = told.findLast(({ at }) => at < startOf(day + 1))
    expect(Math.abs((known?.score ?? 0) - score)).toBeLessThan(1)
    const weekBefore = scores.get(day - 7)
    if (weekBefore !== undefined) expect(Math.abs((known?.trend7 ?? 0) - (score - weekBefore))).toBeLessThan(1)
  }
})

const sumOf = (lines: readonly { points: number }[]) => lines.reduce((sum, { points }) => sum + points, 0)

test('the book is told by band, with who moved, and in the sheet of figures', async () => {
  const to = isoDay(first + HALT - 1)
  type Weight = { accounts: number }
  type Distribution = { bands: ({ band: string } & Weight)[]; movements: ({ from: string; to: string } & Weight)[] }
  const { bands, movements } = await get<Distribution>(
    `/health/distribution?from=${isoDay(first + FADES_ON - 1)}&to=${to}`,
  )
  const fading = await get<Score>('/accounts/fading/health')
  expect(bands.filter(({ accounts }) => accounts > 0)).toEqual(
    ['healthy', fading.category].map((band) => expect.objectContaining({ band, accounts: 1 })),
  )
  expect(movements).toEqual([
    expect.objectContaining({ from: 'healthy', to: 'healthy', accounts: 1 }),
    expect.objectContaining({ from: 'healthy', to: fading.category, accounts: 1 }),
  ])
  const { kpis } = await get<{ kpis: { name: string; value: number; n: number }[] }>(`/kpis?day=${to}`)
  const steady = await get<Score>('/accounts/steady/health')
  const health = kpis.find(({ name }) => name === 'health')
  expect(health).toMatchObject({ n: 2 })
  expect(health?.value).toBeCloseTo(((steady.score ?? 0) + (fading.score ?? 0)) / 2, 9)
  await expect(get(`/health/distribution?from=${to}&to=${isoDay(first)}`)).rejects.toThrow('400')
})

test('late data that moves a past score appends a correction and leaves what was known', {
  timeout: 60_000,
}, async () => {
  const late = isoDay(first + HALT - 1)
  const ofDay = async () => (await history('steady')).items.filter(({ day }) => day === late)
  const [known] = await ofDay()
  for (let n = 0; n < 6; n++) await ticket('steady', HALT - 2)
  // Facts and usage are read apart: the tickets have to be in before the days close that look at it again.
  const database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
  const taken = () =>
    database.reader.selectFrom('ticket_state').select('source').where('account_id', '=', 'steady').execute()
  await expect.poll(async () => (await taken()).length, { timeout: 20_000 }).toBe(6)
  await database.close()
  await useFor(HALT + 1, DAYS)

  await expect.poll(async () => (await ofDay()).length, { timeout: 40_000, interval: 500 }).toBe(2)
  const [corrected, still] = await ofDay()
  expect(still).toEqual(known)
  expect(corrected).toMatchObject({ revision: 1 })
  expect(corrected?.score).toBeLessThan((known?.score ?? 0) - 2)
  const changes = await derived('plimsoll.customer_success.v1.HealthScoreChanged')
  expect(changes.filter(({ kind, accountId }) => kind === 'corrected' && accountId === 'steady')).toContainEqual(
    expect.objectContaining({ previousScore: known?.score, score: corrected?.score }),
  )
})

test('another version scores only once somebody has activated it, and that is on record', async () => {
  type Template = { weights: Record<string, number>; metrics: Record<string, unknown> }
  type Made = { version: number; activatedAt: string | null; templates: Record<string, Template>; rules: object[] }
  const listed = await get<List<Made>>('/health/configurations')
  expect(listed.items.map(({ version }) => version)).toEqual([1])
  await expect(call('POST', '/health/configurations/fit')).rejects.toThrow('409')
  // Made by hand: the same with twice the weight of support.
  const { templates, rules } = listed.items[0] as Made
  const heavier = { ...templates.standard, weights: { ...templates.standard?.weights, support: 30 } }
  const made = { templates: { ...templates, standard: heavier }, rules }
  const added = await call<Made>('POST', '/health/configurations', made)
  expect(added).toMatchObject({ version: 2, activatedAt: null, backtest: null, ...made })
  const turning = {
    curve: [
      [0, 0],
      [1, 100],
      [2, 50],
    ],
    weight: 1,
  }
  for (const [wrong, why] of [
    [{ metrics: { ...heavier.metrics, usage: turning } }, 'usage in standard turns at 1'],
    [{ metrics: { ...heavier.metrics, horoscope: turning } }, 'horoscope'],
    [{ weights: { engagement: -1 } }, 'engagement'],
    [{ weights: {} }, 'no component of standard has a weight'],
  ] as const)
    await expect(
      call('POST', '/health/configurations', {
        ...made,
        templates: { ...templates, standard: { ...heavier, ...wrong } },
      }),
    ).rejects.toThrow(why)
  await expect(call('POST', '/health/configurations/7/activate')).rejects.toThrow('404')
  expect(await call('POST', '/health/configurations/1/activate')).toMatchObject({ version: 1 })
})
