import type { EventValue } from '@plimsoll/contracts/events.ts'
import { encodeHistogram, histogramScale } from '@plimsoll/contracts/histogram.ts'

type Detected = EventValue<'plimsoll.performance.v1.RegressionDetected'>
type Resolved = EventValue<'plimsoll.performance.v1.RegressionResolved'>
type Established = EventValue<'plimsoll.performance.v1.BaselineEstablished'>

/** Facts as performance publishes them, for tests and the screenshot. Values are in ms unless a unit says otherwise. */

/** Forty minutes ago, to the minute: the overview counts what ended within a day. */
export const startMs = (Math.floor(Date.now() / 60_000) - 40) * 60_000

const series = {
  service: 'order',
  endpoint: '/orders/refresh',
  method: 'POST',
  environment: 'production',
  release: '2026.11.3',
}

export function summary(n: number, p50: number, p95: number, histogram: Uint8Array | null = null): Detected['before'] {
  const around = (value: number) => [value * 0.97, value * 1.03] as const
  const [p50Low, p50High] = around(p50)
  const [p95Low, p95High] = around(p95)
  const p99 = p95 * 1.4
  const [p99Low, p99High] = around(p99)
  return { n, p50, p50Low, p50High, p95, p95Low, p95High, p99, p99Low, p99High, mean: p50 * 1.1, histogram }
}

export const established = (given: Partial<Established> = {}): Established => ({
  ...series,
  baselineId: `${given.service ?? series.service}${given.endpoint ?? series.endpoint}`,
  metric: 'latency',
  unit: 'ms',
  firmness: 'firm',
  from: startMs - 86_400_000,
  at: startMs,
  latency: summary(8_000, 62, 110),
  throughput: 41.2,
  errorRate: 0.4,
  value: null,
  acceptedShare: 0.98,
  ...given,
})

export const detected = (given: Partial<Detected> = {}): Detected => ({
  ...series,
  regressionId: 'r-1',
  metric: 'latency',
  unit: 'ms',
  state: 'confirmed',
  direction: 'up',
  detector: 'shift',
  onsetAt: startMs + 600_000,
  detectedAt: startMs + 720_000,
  before: summary(8_000, 62, 110),
  after: summary(900, 121, 237),
  beforeValue: 110,
  afterValue: 237,
  auc: 0.84,
  eValue: 3.1e14,
  falseAlarmBudget: 0.012,
  cost: 1_840,
  symptoms: [],
  suspects: [],
  reason: 'p95 of POST /orders/refresh rose from 110 ms to 237 ms at 12:10.',
  ...given,
})

export const resolved = (given: Partial<Resolved> = {}): Resolved => ({
  ...series,
  regressionId: 'r-1',
  metric: 'latency',
  unit: 'ms',
  onsetAt: startMs + 600_000,
  resolvedAt: startMs + 2_400_000,
  beforeValue: 110,
  afterValue: 112,
  reason: 'POST /orders/refresh went back to its baseline after 30 min.',
  ...given,
})

/** Durations in ms as a packed histogram. */
export function packedHistogram(durationsMs: readonly number[]): Uint8Array {
  const indices = durationsMs.map((duration) => Math.ceil(Math.log2(duration) * 2 ** histogramScale) - 1)
  const offset = Math.min(...indices)
  const length = Math.max(...indices) - offset + 1
  const counts = new Float64Array(length)
  for (const index of indices) counts[index - offset] = (counts[index - offset] ?? 0) + 1
  const sum = durationsMs.reduce((total, duration) => total + duration, 0)
  const [min, max] = [Math.min(...durationsMs), Math.max(...durationsMs)]
  return encodeHistogram({ count: durationsMs.length, sum, min, max, zero: 0, offset, length, counts })
}
