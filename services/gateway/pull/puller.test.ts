import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { manualClock, systemClock } from '@plimsoll/kit/clock.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { createMemoryLog } from '@plimsoll/kit/log/memory.ts'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createBatchPublisher } from '../batch/publisher.ts'
import { createSourceLedger } from '../sources/ledger.ts'
import { readBack } from '../test/harness.ts'
import type { Checkpoint, Checkpoints } from './checkpoint.ts'
import { createPrometheusClient, type PrometheusClient } from './client.ts'
import type { Span } from './domain/span.ts'
import { createPullIntake } from './intake.ts'
import { type PullState, pull } from './puller.ts'

const hour = 3_600_000
const stepMs = 60_000
const now = Date.UTC(2026, 10, 23, 12)

/** The table's behaviour, in memory: it outlives the puller, as the table does the process. */
function memoryCheckpoints(clock: { now(): number }): Checkpoints & { readonly row: () => Checkpoint } {
  let row: Checkpoint = { pulledUntilMs: undefined, begun: undefined }
  return {
    row: () => row,
    hold: async () => row,
    async begin(span) {
      row = { ...row, begun: { span, atMs: clock.now() } }
      return true
    },
    async finish(span) {
      row = { pulledUntilMs: span.untilMs, begun: undefined }
      return true
    },
    renew: async () => true,
    release: async () => {},
  }
}

/** A server whose series `name{i}` has the value of its time at each step. */
function fakeClient(options: {
  names: readonly string[]
  series: number
  onRange?: (name: string, span: Span) => void
}): PrometheusClient {
  return {
    names: async () => options.names,
    metadata: async () => new Map(),
    scrapeIntervalSeconds: async () => stepMs / 1_000,
    async range(name, span) {
      options.onRange?.(name, span)
      const steps = Array.from(
        { length: (span.untilMs - span.fromMs) / stepMs },
        (_, i) => (span.fromMs + (i + 1) * stepMs) / 1_000,
      )
      return Array.from({ length: options.series }, (_, i) => ({
        metric: { __name__: name, job: `svc${i % 5}`, i: String(i) },
        values: steps.map((time) => [time, String(time)] as const),
      }))
    },
  }
}

function puller(client: PrometheusClient, log: EventLog, checkpoints: Checkpoints) {
  const clock = manualClock(now)
  const states: PullState[] = []
  const stop = new AbortController()
  const publisher = createBatchPublisher(log, clock, () => {})
  const ledger = createSourceLedger(clock)
  const running = pull(
    {
      source: 'prom',
      metrics: '.*',
      stepMs: 0,
      delayMs: 0,
      backfillMs: 6 * hour,
      client,
      checkpoints,
      intake: createPullIntake('prom', { maxSeriesPerSource: 10_000, maxMessageBytes: 65_536 }, publisher, clock),
      log,
      clock,
      ledger,
      onState: (state) => states.push(state),
    },
    stop.signal,
  )
  return {
    states,
    ledger,
    until: (reached: () => boolean) => vi.waitFor(() => expect(reached()).toBe(true), { timeout: 10_000, interval: 5 }),
    async stop() {
      stop.abort()
      publisher.stop()
      await running
    },
  }
}

/** Takes `survived` messages and no more. */
function dyingLog(log: EventLog, survived: number): EventLog & { readonly dead: () => boolean } {
  let published = 0
  return {
    ...log,
    dead: () => published > survived,
    async publish(message) {
      published += 1
      if (published > survived) throw appError('broker-unavailable', 'killed')
      return log.publish(message)
    },
  }
}

/** Every series has every step of the backfill exactly once. */
async function expectWhole(log: EventLog, names: readonly string[], series: number) {
  const { samples } = await readBack(log)
  const seen = new Map<string, number[]>()
  for (const { name, labels, timeMs, value } of samples) {
    const key = `${name} ${labels.i}`
    const times = seen.get(key)
    if (times === undefined) seen.set(key, [timeMs])
    else times.push(timeMs)
    if (value !== timeMs / 1_000) throw new Error(`${key} has ${value} at ${timeMs}`)
  }
  expect(seen.size).toBe(names.length * series)
  const expected = Array.from({ length: (6 * hour) / stepMs }, (_, i) => now - 6 * hour + (i + 1) * stepMs)
  for (const times of seen.values()) expect(times.sort((a, b) => a - b)).toEqual(expected)
}

describe('backfill', () => {
  const names = ['http_requests_total', 'latency_seconds_bucket', 'up']

  test('every sample of the last hours is stored once, then it waits', async () => {
    const log = createMemoryLog(systemClock)
    const run = puller(fakeClient({ names, series: 20 }), log, memoryCheckpoints(systemClock))
    await run.until(() => run.states.at(-1)?.activity === 'waiting')
    await run.stop()
    await expectWhole(log, names, 20)
    expect(run.states.at(-1)).toMatchObject({ pulledUntilMs: now, metrics: 3, problem: undefined })
  })

  // Few series fit one message a lane and stretch; of many, a stretch takes several messages a lane.
  test.each([
    [1, 3],
    [6, 3],
    [1, 60],
    [9, 60],
    [23, 60],
  ])('killed after message %d of %d series and started again: neither lost nor doubled', async (survived, series) => {
    const log = createMemoryLog(systemClock)
    const checkpoints = memoryCheckpoints(systemClock)
    const dying = dyingLog(log, survived)
    const first = puller(fakeClient({ names, series }), dying, checkpoints)
    await first.until(() => dying.dead())
    await first.stop()
    expect(checkpoints.row().begun).toBeDefined()

    const second = puller(fakeClient({ names, series }), log, checkpoints)
    await second.until(() => second.states.at(-1)?.activity === 'waiting')
    await second.stop()
    await expectWhole(log, names, series)
  })

  test('each lane gets its samples in order of time, whatever series and metric they are of', async () => {
    const log = createMemoryLog(systemClock)
    const run = puller(fakeClient({ names, series: 60 }), log, memoryCheckpoints(systemClock))
    await run.until(() => run.states.at(-1)?.activity === 'waiting')
    await run.stop()
    const latest = new Map<string, number>()
    let early = 0
    for (const { labels, timeMs } of (await readBack(log)).samples) {
      const service = labels.job ?? ''
      if (timeMs < (latest.get(service) ?? 0)) early++
      latest.set(service, timeMs)
    }
    expect([early, latest.size]).toEqual([0, 5])
  })

  test('answers that are too large are read in halves', async () => {
    const log = createMemoryLog(systemClock)
    const client = fakeClient({
      names,
      series: 20,
      onRange(_, { fromMs, untilMs }) {
        if (untilMs - fromMs > hour / 2) throw appError('too-large', 'too many samples')
      },
    })
    const run = puller(client, log, memoryCheckpoints(systemClock))
    await run.until(() => run.states.at(-1)?.activity === 'waiting')
    await run.stop()
    await expectWhole(log, names, 20)
  })

  test('a metric the server refuses is counted with its reason, and the others are read', async () => {
    const log = createMemoryLog(systemClock)
    const client = fakeClient({
      names: [...names, 'broken'],
      series: 2,
      onRange(name) {
        if (name === 'broken') throw appError('bad-request', 'found duplicate series')
      },
    })
    const run = puller(client, log, memoryCheckpoints(systemClock))
    await run.until(() => run.states.at(-1)?.activity === 'waiting')
    await run.stop()
    await expectWhole(log, names, 2)
    const [entry] = run.ledger.entries()
    expect([...(entry?.refused ?? [])]).toEqual([
      ['query-refused', expect.objectContaining({ example: 'broken: found duplicate series' })],
    ])
  })
})

test('a server that is down is reported, and read when it is back', async () => {
  const log = createMemoryLog(systemClock)
  let down = true
  const client = fakeClient({ names: ['up'], series: 1 })
  const run = puller(
    {
      ...client,
      async names(...given) {
        if (down) throw appError('unavailable', 'it does not answer')
        return client.names(...given)
      },
    },
    log,
    memoryCheckpoints(systemClock),
  )
  await run.until(() => run.states.at(-1)?.activity === 'failing')
  expect(run.states.at(-1)?.problem).toBe('it does not answer')
  down = false
  await run.until(() => run.states.at(-1)?.activity === 'waiting')
  await run.stop()
  expect(run.states.at(-1)?.problem).toBeUndefined()
  await expectWhole(log, ['up'], 1)
})

test('where nothing matches, the state says what to change', async () => {
  const run = puller(fakeClient({ names: [], series: 0 }), createMemoryLog(systemClock), memoryCheckpoints(systemClock))
  await run.until(() => run.states.at(-1)?.activity === 'waiting')
  await run.stop()
  expect(run.states.at(-1)?.problem).toContain('PLIMSOLL_PROMETHEUS_METRICS')
})

describe('the client', () => {
  let server: Server | undefined
  afterEach(() => server?.close())

  async function clientOf(
    answer: RequestListener,
    options: { token?: string; user?: string; password?: string; queriesPerSecond?: number } = {},
  ) {
    server = createServer(answer)
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return createPrometheusClient({ url: `http://127.0.0.1:${port}/`, queriesPerSecond: 1_000, ...options })
  }

  const span = { fromMs: 0, untilMs: 60_000, stepMs: 60_000 }
  const { signal } = new AbortController()

  test.each([
    [{ token: 't' }, 'Bearer t'],
    [{ user: 'u', password: 'p' }, 'Basic dTpw'],
  ])('%j is sent as %s', async (credentials, header) => {
    const client = await clientOf((request, response) => {
      response.end(JSON.stringify({ status: 'success', data: [String(request.headers.authorization)] }))
    }, credentials)
    expect(await client.names(0, 1, signal)).toEqual([header])
  })

  test.each([
    [503, '{"status":"error","errorType":"unavailable","error":"not ready"}', 'unavailable'],
    [429, '', 'unavailable'],
    [401, '', 'unauthenticated'],
    [422, '{"status":"error","error":"query processing would load too many samples into memory"}', 'too-large'],
    [400, '{"status":"error","error":"exceeded maximum resolution of 11,000 points per timeseries"}', 'too-large'],
    [400, '{"status":"error","error":"parse error"}', 'bad-request'],
    [200, '<html>a login page</html>', 'bad-request'],
    [200, '{"status":"success","data":{"result":"surprise"}}', 'bad-request'],
  ])('%d %s means %s', async (status, body, code) => {
    const client = await clientOf((_, response) => response.writeHead(status).end(body))
    await expect(client.range('up', span, signal)).rejects.toMatchObject({ code })
  })

  test('nobody listening is unavailable', async () => {
    const client = createPrometheusClient({ url: 'http://127.0.0.1:9', queriesPerSecond: 10 })
    await expect(client.names(0, 1, signal)).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('queries keep their distance', async () => {
    const slow = await clientOf((_, response) => response.end('{"status":"success","data":[]}'), {
      queriesPerSecond: 50,
    })
    await slow.names(0, 1, signal)
    const started = performance.now()
    for (let i = 0; i < 6; i++) await slow.names(0, 1, signal)
    expect(performance.now() - started).toBeGreaterThanOrEqual(95)
  })
})
