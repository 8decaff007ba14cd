import { defaultLaneCount } from '@plimsoll/contracts/lane.ts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createMetricColumns } from '../batch/metriccolumns.ts'
import { createSeriesRegistry, type SeriesRegistry } from '../batch/registry.ts'
import { findKnownSymbols } from './knownsymbols.ts'
import { protobuf } from './protobufwriter.ts'
import { decodeRemoteWrite2 } from './remotewrite2.ts'

const symbols = ['', '__name__', 'up', 'job', 'a', 'b', 'instance', 'c', 'seconds']

type Series = {
  /** A field each: packed, or its refs one by one. */
  readonly refs: readonly { readonly packed: boolean; readonly of: readonly number[] }[]
  /** Metadata: none where the type is absent. */
  readonly type: number | undefined
  readonly unit: number
  readonly points: readonly (Sample | 'histogram' | 'exemplar')[]
}

type Sample = { readonly timeMs: number; readonly startMs?: number }

const LATEST_MS = 3 * 2 ** 40
/** Times of one to ten bytes, on both sides of where six begin and end, and of what is too far ahead. */
const times = [0, 1000, 2 ** 35 - 1, 2 ** 35, 1_764_000_000_123, LATEST_MS, LATEST_MS + 1, 2 ** 42 - 1, 2 ** 42, -1]
/** The last one is as long as a sample with a time of six bytes. */
const samples: readonly Sample[] = [...times.map((timeMs) => ({ timeMs })), { timeMs: 1000, startMs: 20_000 }]

function bodyOf(series: readonly Series[], symbolsAfter: readonly string[]): Uint8Array {
  const request = protobuf()
  for (const symbol of symbols) request.text(4, symbol)
  for (const { refs, type, unit, points } of series) {
    request.message(5, (out) => {
      for (const { packed, of } of refs) {
        if (packed) out.packed(1, of)
        else for (const ref of of) out.varint(1, ref)
      }
      for (const point of points) {
        if (point === 'histogram') out.message(3, (histogram) => histogram.varint(1, 0).sint(4, 3).varint(15, 1000))
        else if (point === 'exemplar') out.message(4, (exemplar) => exemplar.double(2, 1).varint(3, 1000))
        else {
          const { timeMs, startMs } = point
          const timed = protobuf().double(1, 1.5).varint(2, timeMs)
          out.bytes(2, (startMs === undefined ? timed : timed.varint(3, startMs)).finish())
        }
      }
      if (type !== undefined) out.message(5, (metadata) => metadata.varint(1, type).varint(4, unit))
    })
  }
  for (const symbol of symbolsAfter) request.text(4, symbol)
  return request.finish()
}

/** What a request came to: its outcome, and the kind, unit and labels of each point's series. */
function decoded(body: Uint8Array, registry: SeriesRegistry) {
  const columns = createMetricColumns()
  const outcome = decodeRemoteWrite2(body, { registry, columns, latestMs: LATEST_MS })
  const { labelEnd, labelRefs, kind, unit, name } = registry.columns
  const seriesOf = (handle: number) => {
    const labels = labelRefs.slice(handle === 0 ? 0 : labelEnd[handle - 1], labelEnd[handle])
    return [kind[handle], ...[unit[handle] ?? 0, name[handle] ?? 0, ...labels].map((ref) => registry.texts.text(ref))]
  }
  return {
    outcome,
    samples: Array.from(columns.sampleSeries.subarray(0, columns.samples), seriesOf),
    values: columns.sampleValue.slice(0, columns.samples),
    times: columns.sampleTime.slice(0, columns.samples),
    starts: columns.sampleStart.slice(0, columns.samples),
    histograms: Array.from(columns.histogramSeries.subarray(0, columns.histograms), seriesOf),
  }
}

it('means the same under symbols that came before as under new ones', () => {
  // One beyond the symbols that a request begins with: some requests have it behind their series.
  const ref = fc.oneof({ weight: 20, arbitrary: fc.nat(symbols.length - 1) }, fc.constant(symbols.length))
  const usual = fc.constantFrom([1, 2, 3, 4], [1, 2, 3, 4, 6, 7], [1, 2, 6, 7])
  const series: fc.Arbitrary<Series> = fc.record({
    refs: fc.oneof(
      usual.map((of) => [{ packed: true, of }]),
      fc.array(fc.record({ packed: fc.boolean(), of: fc.oneof(usual, fc.array(ref, { maxLength: 5 })) }), {
        maxLength: 3,
      }),
    ),
    type: fc.option(fc.nat(5), { nil: undefined }),
    unit: fc.constantFrom(0, 8, symbols.length),
    points: fc.array(fc.constantFrom<Series['points'][number][]>('histogram', 'exemplar', ...samples), {
      maxLength: 3,
    }),
  })
  const body = fc
    .tuple(fc.array(series, { maxLength: 8 }), fc.constantFrom([], [], ['late']))
    .map(([all, after]) => bodyOf(all, after))
  fc.assert(
    fc.property(fc.array(body, { minLength: 3, maxLength: 8 }), (bodies) => {
      const registry = createSeriesRegistry('local', 1_000, defaultLaneCount)
      for (const one of bodies) {
        expect(decoded(one, registry)).toEqual(decoded(one, createSeriesRegistry('local', 1_000, defaultLaneCount)))
      }
    }),
  )
})

it.each(samples)('reads a sample of a known series like one of a new series: %o', (sample) => {
  const registry = createSeriesRegistry('local', 10, defaultLaneCount)
  const body = bodyOf([{ refs: [{ packed: true, of: [1, 2] }], type: 2, unit: 0, points: [sample] }], [])
  const [first, ...later] = [1, 2, 3, 4].map(() => decoded(body, registry))
  for (const again of later) expect(again).toEqual(first)
})

it('keeps symbols when they come the second time', () => {
  const registry = createSeriesRegistry('local', 10, defaultLaneCount)
  const body = bodyOf([{ refs: [{ packed: true, of: [1, 2] }], type: 2, unit: 0, points: [{ timeMs: 1000 }] }], [])
  const known = [1, 2].map(() => {
    decoded(body, registry)
    return findKnownSymbols(registry, body)?.symbols.count
  })
  expect(known).toEqual([undefined, symbols.length])
})
