import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createArena } from './arena.ts'
import { packColumn } from './columns.ts'
import { ContractError } from './errors.ts'
import { encodeEvent } from './events.ts'
import { examples } from './examples.ts'
import type { MetricBatch, SpanBatch } from './generated/types.ts'
import { descriptionOf, EXPLICIT_BOUNDS, METRIC_TYPE, metricBatchView } from './metric-batch.ts'
import { SPAN_TYPE, spanBatchView } from './span-batch.ts'

const metrics = examples[METRIC_TYPE]
const spans = examples[SPAN_TYPE]
const f64 = (...values: number[]) => packColumn(Float64Array.from(values))
const u32 = (...values: number[]) => packColumn(Uint32Array.from(values))
const i32 = (...values: number[]) => packColumn(Int32Array.from(values))
const i8 = (...values: number[]) => packColumn(Int8Array.from(values))

/** The columns of one described series: the first of the example. */
const firstOnly = {
  seriesKind: metrics.seriesKind.subarray(0, 1),
  seriesName: metrics.seriesName.subarray(0, 4),
  seriesUnit: metrics.seriesUnit.subarray(0, 4),
  seriesLabelEnd: metrics.seriesLabelEnd.subarray(0, 4),
  labelRefs: metrics.labelRefs.subarray(0, 16),
}
const none = new Uint8Array(0)
const undescribed = { seriesKind: none, seriesName: none, seriesUnit: none, seriesLabelEnd: none, labelRefs: none }

const metricView = (changes: Partial<MetricBatch>) =>
  metricBatchView(encodeEvent(METRIC_TYPE, { ...metrics, ...changes }))
const spanView = (changes: Partial<SpanBatch>) => spanBatchView(encodeEvent(SPAN_TYPE, { ...spans, ...changes }))

test('a metric batch is read by row', () => {
  const view = metricView({})
  expect([view.seriesRows, view.sampleRows, view.histogramRows]).toEqual([2, 2, 1])
  expect(view.strings.at(view.seriesName[0] ?? -1)).toBe('http_requests_total')
  expect(
    [...view.labelRefs.subarray(view.seriesLabelEnd[0], view.seriesLabelEnd[1])].map((ref) => view.strings.at(ref)),
  ).toEqual(['route', '/cart', 'service', 'checkout'])
  expect([...view.sampleValue]).toEqual([1041, 1083])
  expect([...view.bucketIndex]).toEqual([-33, -27, -17])
  expect(view.seriesId[0]).toBe(0x7f4a7c15)
})

test('a series that the batch leaves undescribed has no description, the others have theirs', () => {
  const view = metricView({ ...firstOnly, describedRow: u32(1) })
  expect([0, 1].map((row) => descriptionOf(view, row))).toEqual([-1, 0])
  expect(view.strings.at(view.seriesName[0] ?? -1)).toBe('http_requests_total')
  expect([0, 1].map((row) => descriptionOf(metricView({}), row))).toEqual([0, 1])
  expect([0, 1].map((row) => descriptionOf(metricView(undescribed), row))).toEqual([-1, -1])
})

test('without series rows of samples, sample i is of series i', () => {
  expect([...metricView({ sampleSeries: new Uint8Array(0) }).sampleSeries]).toEqual([0, 1])
})

test('a span batch is read by row', () => {
  const view = spanView({})
  expect(view.spanRows).toBe(1)
  expect(Buffer.from(view.traceId).toString('hex')).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
  expect(view.strings.at(view.routeRef[0] ?? -1)).toBe('/cart')
  expect([view.httpStatus[0], view.durationMs[0]]).toEqual([200, 84.5])
})

test('a view outlives its message, but not the next use of its arena', () => {
  const message = encodeEvent(METRIC_TYPE, metrics)
  const own = metricBatchView(message)
  const arena = createArena()
  const shared = metricBatchView(message, arena)
  message.fill(0)
  expect([own.sampleValue[0], shared.sampleValue[0]]).toEqual([1041, 1041])
  metricBatchView(encodeEvent(METRIC_TYPE, { ...metrics, sampleValue: f64(5, 6) }), arena)
  expect([own.sampleValue[0], shared.sampleValue[0]]).toEqual([1041, 5])
})

test('each view refuses the other batch', () => {
  expect(() => metricBatchView(encodeEvent(SPAN_TYPE, spans))).toThrow(`expected ${METRIC_TYPE}, got ${SPAN_TYPE}`)
  expect(() => spanBatchView(encodeEvent(METRIC_TYPE, metrics))).toThrow(`expected ${SPAN_TYPE}, got ${METRIC_TYPE}`)
})

describe('a batch that contradicts itself is refused by the column at fault', () => {
  const cases: readonly (readonly [string, Partial<MetricBatch>])[] = [
    ['sampleTime has 8 bytes where 2 rows of 8 are due', { sampleTime: f64(1) }],
    ['sampleValue has 7 bytes, no multiple of 8', { sampleValue: new Uint8Array(7) }],
    ['sampleStart has 8 bytes where 2 rows of 8 are due', { sampleStart: f64(1) }],
    ['seriesName has 8 bytes where 3 rows of 4 are due', { seriesKind: new Uint8Array(3), describedRow: u32(0, 1, 2) }],
    ['describedRow has 0 bytes where 1 rows of 4 are due', { seriesKind: new Uint8Array(1) }],
    ['describedRow 2 is out of order or not one of 2 series', { ...firstOnly, describedRow: u32(2) }],
    ['sampleSeries points at row 2 of 2', { sampleSeries: u32(0, 2) }],
    ['sampleSeries points at row 4294967295 of 2', { sampleSeries: u32(0, 0xffff_ffff) }],
    ['seriesName points at row 99', { seriesName: u32(1, 99) }],
    ['seriesLabelEnd goes down at row 1', { seriesLabelEnd: u32(4, 2) }],
    ['seriesLabelEnd splits an entry of 2 rows at row 0', { seriesLabelEnd: u32(3, 8) }],
    ['seriesLabelEnd ends at 6, its table has 8 rows', { seriesLabelEnd: u32(4, 6) }],
    ['sampleTime is NaN at row 1', { sampleTime: f64(1, Number.NaN) }],
    ['histogramScale is 21 at row 0', { histogramScale: i8(21) }],
    ['histogramBucketEnd ends at 2', { histogramBucketEnd: u32(2) }],
    [
      'bucketIndex 1 of histogram 0 is outside its 0 bounds',
      { histogramScale: i8(EXPLICIT_BOUNDS), bucketIndex: i32(0, 1, 0) },
    ],
    ['histogramSeries points at row 7 of 2', { histogramSeries: u32(7) }],
  ]
  test.each(cases)('%s', (problem, changes) => {
    expect(() => metricView(changes)).toThrow(problem)
  })

  test('of spans', () => {
    expect(() => spanView({ traceId: new Uint8Array(8) })).toThrow('traceId has 8 bytes where 1 rows of 16 are due')
    expect(() => spanView({ peerRef: u32(1000) })).toThrow('peerRef points at row 1000')
    expect(() => spanView({ durationMs: f64(Number.POSITIVE_INFINITY) })).toThrow('durationMs is Infinity at row 0')
  })
})

test('a batch with any bytes changed is refused or read inside its own columns', () => {
  const original = encodeEvent(METRIC_TYPE, metrics)
  const change = fc.record({
    at: fc.integer({ min: 10, max: original.length - 1 }),
    to: fc.integer({ min: 0, max: 255 }),
  })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Uint8Array.from(original)
      for (const { at, to } of changes) bytes[at] = to
      try {
        const view = metricBatchView(bytes)
        for (const row of view.sampleSeries) expect(row).toBeLessThan(view.seriesRows)
        for (const ref of view.labelRefs) view.strings.at(ref)
      } catch (error) {
        expect(error).toBeInstanceOf(ContractError)
      }
    }),
    { numRuns: 1_000 },
  )
})
