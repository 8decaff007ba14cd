import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { createLogger, prettyLine } from './logger.ts'
import { createMetrics } from './prometheus.ts'
import { traceHeaders, traceOf } from './propagation.ts'
import { startTracing } from './tracing.ts'

await startTracing({ serviceName: 'test', endpoint: undefined })
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test('a trace goes through headers and comes out the same', () => {
  expect(traceHeaders(traceOf({ traceparent }))).toEqual({ traceparent })
})

test.each(['', 'nonsense', '00-00000000000000000000000000000000-b7ad6b7169203331-01', `ff${traceparent.slice(2)}`])(
  'the header "%s" starts no trace',
  (header) => {
    expect(trace.getSpanContext(traceOf({ traceparent: header }))).toBeUndefined()
  },
)

test('the fields of a later version are read as far as they are known', () => {
  expect(traceHeaders(traceOf({ traceparent: `cc${traceparent.slice(2)}-more` }))).toEqual({ traceparent })
})

test('the active trace survives awaiting, and is in every log line within it', async () => {
  const lines: string[] = []
  const logger = createLogger({
    level: 'info',
    format: 'json',
    destination: { write: (line) => void lines.push(line) },
  })
  await context.with(traceOf({ traceparent }), async () => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    logger.info('inside')
  })
  context.with(ROOT_CONTEXT, () => logger.info({ headers: { authorization: 'Bearer hunter2' } }, 'outside'))
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    msg: 'inside',
    level: 'info',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
  })
  expect(JSON.parse(lines[1] ?? '')).not.toHaveProperty('trace_id')
  expect(lines[1]).not.toContain('hunter2')
})

test('a line for people says when, how bad, who and what', () => {
  const line = {
    level: 'warn',
    time: '2026-01-31T09:15:02.123Z',
    service: 'performance',
    msg: 'lane 07 halted',
    err: { message: 'gone' },
  }
  expect(prettyLine(JSON.stringify(line))).toBe('09:15:02 warn performance: lane 07 halted\n  gone\n')
})

test('services that ask for the same metric share it', async () => {
  const metrics = createMetrics({ processMetrics: false })
  metrics.counter('plimsoll_things_total', 'Things.', ['kind']).inc({ kind: 'a' })
  metrics.counter('plimsoll_things_total', 'Things.', ['kind']).inc({ kind: 'a' }, 2)
  expect(await metrics.expose()).toContain('plimsoll_things_total{kind="a"} 3')
})

test('a hot path hands its numbers over when they are asked for', async () => {
  const metrics = createMetrics({ processMetrics: false })
  const depth = metrics.gauge('plimsoll_queue_depth', 'Waiting.')
  let waiting = 3
  metrics.onCollect(() => depth.set(waiting))
  expect(await metrics.expose()).toContain('plimsoll_queue_depth 3')
  waiting = 4
  expect(await metrics.expose()).toContain('plimsoll_queue_depth 4')
})

test('a name outside the scheme is refused', () => {
  expect(() => createMetrics({ processMetrics: false }).counter('things', 'x')).toThrow(RangeError)
})
