import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import type { Running } from '@plimsoll/kit/run.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dayOf, isoDay } from '../domain/day.ts'
import { driversBehind } from '../events/risk.ts'
import type { Assessment } from '../http/assessment-shapes.ts'
import { customerSuccess } from '../service.ts'
import { type ScoreRow, saveProgress, saveScores } from '../store/health.ts'
import { activeConfiguration } from '../store/health-configurations.ts'
import { openEpisode } from '../store/risk.ts'
import type { Tables } from '../store/tables.ts'

/**
 * A book of 71 accounts over 200 days, of which the newer hundred are assessed: ten left before them, ten of twenty that
 * fell to a score of 35 leave in them, and so does one that nothing was seen of.
 */
const DAYS = 200
const first = dayOf(Date.now()) - DAYS - 1

let stack: Stack
let running: Running
let database: ServiceDatabase<Tables>

beforeAll(async () => {
  stack = await startStack()
  // Nobody closes days here: what there is is put in below.
  const { processors, tickers, start, ...routesOnly } = customerSuccess
  running = await startOn(stack, [routesOnly])
  database = openDatabase<Tables>({ url: stack.databaseUrl, service: 'customer-success' })
  await inTransaction(database.worker, async (tx) => {
    await activeConfiguration(tx)
    await saveScores(tx, book())
    await saveProgress(tx, 'health', first + DAYS)
    for (const i of [0, 1, 2, 3, 4]) await openEpisode(tx, episode(`low-${i}`, 150))
    await openEpisode(tx, episode('low-10', 190))
  })
})
afterAll(async () => {
  await database?.close()
  await running?.stop()
  await stack?.stop()
})

const episode = (accountId: string, day: number): Parameters<typeof openEpisode>[1] => ({
  ...{ id: `${accountId}@${first + day}`, account_id: accountId, raised_day: first + day, trigger: 'score', score: 35 },
  ...{ churn_probability: null, mrr_minor: 10_000, currency: 'EUR', drivers: [], reason: '' },
})

function book(): ScoreRow[] {
  const many = (name: string, n: number, score: (day: number) => number, leaves: (i: number) => number | undefined) =>
    Array.from({ length: n }, (_, i) => life(`${name}-${i}`, score, leaves(i))).flat()
  return [
    ...many(
      'early',
      10,
      () => 30,
      () => 60,
    ),
    ...many(
      'low',
      20,
      (day) => (day < 120 ? 60 : 35),
      (i) => (i < 10 ? 180 : undefined),
    ),
    ...many(
      'calm',
      40,
      () => 80,
      () => undefined,
    ),
    ...life('silent', () => 80, 175),
  ]
}

function life(accountId: string, scoreOn: (day: number) => number, leaves = Number.POSITIVE_INFINITY): ScoreRow[] {
  return Array.from({ length: Math.min(DAYS, leaves) + 1 }, (_, day): ScoreRow => {
    const isGone = day === leaves
    const score = scoreOn(day)
    return {
      ...{ account_id: accountId, day: first + day, revision: 0, version: 1, segment: 'smb' },
      // Scored otherwise than before since its use fell: that is no driver.
      template: day < 160 ? 'onboarding' : 'standard',
      ...{ score: isGone ? null : score, confidence: 1, hard: null, is_cancelled: isGone, currency: 'EUR' },
      // As if a model had been in use since day 150.
      churn_probability: day < 150 || isGone ? null : score < 40 ? 0.5 : 0.1,
      readings: {
        usage: { value: day < 160 ? 1 : 0.4, shown: day < 160 ? 100 : 40, confidence: 1 },
        core_breadth: { value: 0.5, shown: 50, confidence: 1 },
      },
      mrr_minor: accountId === 'silent' ? 90_000 : 10_000,
      ...{ told_day: first + day, told_score: isGone ? null : score, told_trend7: null, told_provisional: false },
    }
  })
}

const ask = async (path: string, headers: Record<string, string> = {}) =>
  await fetch(`${running.url}/v1/customer-success${path}`, { headers })

async function assessment(query = ''): Promise<Assessment> {
  return (await (await ask(`/churn-risk/assessment${query}`)).json()) as Assessment
}

async function csv(path: string): Promise<string[]> {
  const answer = await ask(path, { accept: 'text/csv' })
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  return (await answer.text()).split('\r\n')
}

describe('the churn-risk assessment', () => {
  test('grades past raises beside a threshold alone, with intervals', async () => {
    const told = await assessment()
    expect(told).toMatchObject({ from: isoDay(first + 100), to: isoDay(first + 200), knownTo: isoDay(first + 200) })
    expect(told.raises).toMatchObject({ raised: 6, open: 1, precision: { successes: 5, n: 5, rate: 1 } })
    expect(told.raises.coverage).toMatchObject({ successes: 5, n: 11 })
    expect(told.naive).toMatchObject({ raised: 20, open: 0, precision: { successes: 10, n: 20, rate: 0.5 } })
    expect(told.naive.coverage).toMatchObject({ successes: 10, n: 11 })
    // Wilson's interval of 10 of 20.
    expect(told.naive.precision.interval.low).toBeCloseTo(0.2993, 4)
    expect(told.naive.precision.interval.high).toBeCloseTo(0.7007, 4)
  })

  test('lists who left unwarned, with the most revenue first, and what had moved their last score', async () => {
    const { missed } = await assessment()
    expect(missed.accounts).toBe(6)
    expect(missed.items[0]).toMatchObject({
      ...{ accountId: 'silent', leftOn: isoDay(first + 175), mrrMinor: 90_000 },
      ...{ lastScore: 80, lastDay: isoDay(first + 174), churnProbability: 0.1 },
      drivers: [{ component: 'engagement', metric: 'usage', before: 100, after: 40 }],
    })
  })

  test('asks for what moved a hundred scores as often as for one', async () => {
    const day = first + 174
    const rows = await database.reader.selectFrom('health_score').selectAll().where('day', '=', day).execute()
    expect(rows.length).toBeGreaterThan(50)
    const asked = async (some: readonly ScoreRow[]) => {
      let queries = 0
      const counting = database.worker.withPlugin({
        transformQuery: ({ node }) => {
          queries++
          return node
        },
        transformResult: async ({ result }) => result,
      })
      const drivers = await driversBehind(counting, some)
      return { queries, metrics: drivers.map((lines) => lines[0]?.metric) }
    }
    const [one, all] = [await asked(rows.slice(0, 1)), await asked(rows)]
    expect(all.queries).toBe(one.queries)
    expect(all.metrics).toEqual(rows.map(() => 'usage'))
  })

  test('holds probabilities against what happened: the learned ones, and what scores used to mean', async () => {
    const { calibration } = await assessment()
    expect(calibration.days).toEqual([163, 133, 103].map((day) => isoDay(first + day)))
    // Of the last of these days only: before, there was no model.
    expect(calibration.learned).toMatchObject({
      ...{ n: 61, left: 11 },
      bins: [
        { low: 0.1, high: 0.1, observed: { successes: 1, n: 41 } },
        { low: 0.5, high: 0.5, observed: { successes: 10, n: 20 } },
      ],
    })
    expect(calibration.learned?.calibrationError).toBeCloseTo((41 * 0.1 - 1) / 61, 9)
    expect(calibration.learned?.brier).toBeCloseTo((20 * 0.25 + 40 * 0.01 + 0.81) / 61, 9)
    // Ten of the twenty who had 30 left; at 60 nobody. Half of that, less a sixth, is what 35 stands for.
    expect(calibration.meaning).toEqual({ n: 142, left: 10 })
    expect(calibration.score).toMatchObject({ n: 183, left: 11 })
    expect(calibration.score?.bins.at(-1)).toMatchObject({ high: expect.closeTo((0.5 * 25) / 30, 9) })
  })

  test('is CSV, part by part, when that is asked for', async () => {
    expect((await csv('/churn-risk/assessment')).map((line) => line.split(',').slice(0, 6).join(','))).toEqual([
      'rule,raised,open,right,graded,precision',
      'raises,6,1,5,5,1',
      'naive,20,0,10,20,0.5',
      '',
    ])
    expect((await csv('/churn-risk/assessment?table=calibration'))[1]).toMatch(/^learned,0\.1,0\.1,0\.1\d*,1,41,/)
    const answer = await ask('/churn-risk/assessment?table=missed&format=csv')
    expect(await answer.text()).toContain(`silent,${isoDay(first + 175)},90000,EUR,${isoDay(first + 174)},80,0.1,`)
    expect((await ask('/churn-risk/assessment?table=all')).status).toBe(400)
  })

  test('is of the period asked for', async () => {
    expect(await assessment(`?from=${isoDay(first)}&to=${isoDay(first + 90)}`)).toMatchObject({
      ...{
        raises: { raised: 0, precision: { n: 0, rate: null } },
        naive: { raised: 10, precision: { successes: 10 } },
      },
      missed: { accounts: 10 },
    })
    expect((await ask(`/churn-risk/assessment?from=${isoDay(first + 9)}&to=${isoDay(first)}`)).status).toBe(400)
  })
})

test('a learned model is read once a version, not at each request', async () => {
  const day = first + DAYS
  const modelOf = (intercept: number) =>
    JSON.stringify({ names: ['ageDays'], members: [], blend: { intercept, weights: [] }, trainedOn: {} })
  const save = (version: number, intercept: number) =>
    database.worker
      .insertInto('churn_model')
      .values({
        ...{ version, created_at: new Date(), learned_up_to: day, promoted: true, reasons: '[]', trained_on: null },
        ...{ backtest: null, compared_with: null, model: modelOf(intercept) },
      })
      .execute()
  const probability = async (): Promise<number> => {
    const { learned } = (await (await ask('/accounts/calm-0/health')).json()) as { learned: { probability: number } }
    return learned.probability
  }
  await save(1, -2)
  await database.worker
    .insertInto('churn_day')
    .values({ day, names: ['ageDays'], version: 1 })
    .execute()
  const features = new Uint8Array(Float64Array.of(200).buffer)
  await database.worker.insertInto('churn_features').values({ day, account_id: 'calm-0', features }).execute()
  expect(await probability()).toBeCloseTo(1 / (1 + Math.exp(2)), 12)
  // A version never changes. If it did, whoever reads it anew would tell.
  await sql`update churn_model set model = ${modelOf(0)}::jsonb`.execute(database.worker)
  expect(await probability()).toBeCloseTo(1 / (1 + Math.exp(2)), 12)
  await save(2, -1)
  await database.worker.updateTable('churn_day').set({ version: 2 }).execute()
  expect(await probability()).toBeCloseTo(1 / (1 + Math.exp(1)), 12)
})

test('other reports are CSV as well', async () => {
  const asked = `/health/distribution?from=${isoDay(first + 110)}&to=${isoDay(first + 200)}`
  expect(await csv(asked)).toEqual([
    'from,to,accounts,mrr_minor_EUR',
    'healthy,healthy,40,400000',
    'healthy,left,1,90000',
    'at_risk,churn_risk,10,100000',
    'at_risk,left,10,100000',
    '',
  ])
  expect((await csv('/analytics/adoption'))[0]).toBe('feature,core,eligible,adopted,rate,depth,ever_adopted,late')
  expect((await csv('/playbooks/high-churn-risk/effect'))[1]).toMatch(/^high-churn-risk,0,0,0,0,0,0,0,/)
  expect((await csv('/actions/effect/ebr'))[1]).toMatch(/^ebr,observational,0,0,/)
})
