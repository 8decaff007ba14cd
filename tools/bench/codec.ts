/**
 * What a batch costs on the wire's two ends: `node tools/bench/codec.ts [--json]`.
 * Ratios against the obvious alternatives in the same run; absolute figures belong to the machine they were taken on.
 */
import { createArena } from '@plimsoll/contracts/arena.ts'
import { createCodec } from '@plimsoll/contracts/codec.ts'
import { packColumn } from '@plimsoll/contracts/columns.ts'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import type { MetricBatch } from '@plimsoll/contracts/generated/types.ts'
import { metricBatchView } from '@plimsoll/contracts/metric-batch.ts'
import { createStringTableBuilder } from '@plimsoll/contracts/strings.ts'

type Row = {
  readonly series: number
  readonly samples: number
  readonly form: string
  readonly bytesPerSample: number
  readonly encodeNs: number
  readonly decodeNs: number
  readonly decodeMicrosPerBatch: number
}

type Sample = { readonly series: number; readonly time: number; readonly value: number }

/** Reused, as a lane worker does that folds a batch before it decodes the next. */
const arena = createArena()

const NONE = new Uint8Array(0)

/** A scrape of `series` series with `perSeries` samples each, as the gateway would write it. */
function batchOf(series: number, perSeries: number): MetricBatch {
  const strings = createStringTableBuilder()
  const rows = series * perSeries
  const seriesId = new Uint32Array(series * 2).map((_, i) => Math.imul(i + 1, 0x9e3779b1))
  const seriesName = new Uint32Array(series).map((_, i) => strings.intern(`app_requests_${i % 40}_total`))
  const labelRefs = new Uint32Array(series * 6)
  for (let i = 0; i < series; i++) {
    const labels = [
      'instance',
      `10.0.${i % 250}.1:9090`,
      'route',
      `/api/v1/items/${i % 97}`,
      'service',
      `svc-${i % 20}`,
    ]
    for (const [at, label] of labels.entries()) labelRefs[i * 6 + at] = strings.intern(label)
  }
  return {
    source: 'bench',
    receivedAt: 1_760_000_000_000,
    stringBytes: strings.stringBytes(),
    stringEnds: strings.stringEnds(),
    seriesId: packColumn(seriesId),
    describedRow: new Uint8Array(0),
    seriesKind: new Uint8Array(series).fill(1),
    seriesName: packColumn(seriesName),
    seriesUnit: packColumn(new Uint32Array(series)),
    seriesLabelEnd: packColumn(new Uint32Array(series).map((_, i) => (i + 1) * 6)),
    labelRefs: packColumn(labelRefs),
    sampleSeries: packColumn(new Uint32Array(rows).map((_, i) => i % series)),
    sampleTime: packColumn(new Float64Array(rows).map((_, i) => 1_760_000_000_000 + Math.floor(i / series) * 15_000)),
    sampleStart: NONE,
    sampleValue: packColumn(new Float64Array(rows).map((_, i) => i * 1.5)),
    histogramSeries: NONE,
    histogramTime: NONE,
    histogramStart: NONE,
    histogramCount: NONE,
    histogramSum: NONE,
    histogramMin: NONE,
    histogramMax: NONE,
    histogramScale: NONE,
    histogramZeroCount: NONE,
    histogramZeroThreshold: NONE,
    histogramBucketEnd: NONE,
    bucketIndex: NONE,
    bucketCount: NONE,
    histogramBoundEnd: NONE,
    bounds: NONE,
  }
}

/** The same samples, without any dictionary: the alternatives are timed on the samples alone, in their favour. */
function samplesOf(batch: Uint8Array): Sample[] {
  const { sampleSeries, sampleTime, sampleValue } = metricBatchView(batch)
  return Array.from(sampleSeries, (series, i) => ({ series, time: sampleTime[i] ?? 0, value: sampleValue[i] ?? 0 }))
}

const SAMPLES_TYPE = 'bench.Samples'
type SampleArrays = { readonly series: number[]; readonly time: number[]; readonly value: number[] }

const avroArrays = createCodec([
  {
    fingerprint: 0n,
    current: true,
    schema: {
      type: 'record',
      name: SAMPLES_TYPE,
      fields: [
        { name: 'series', type: { type: 'array', items: 'int' } },
        { name: 'time', type: { type: 'array', items: 'long' } },
        { name: 'value', type: { type: 'array', items: 'double' } },
      ],
    },
  },
])

/** Keeps the optimiser from dropping work whose result nobody reads. */
let sink = 0

/** ns of one call: the lowest tenth of what 300 ms of calls took, which other work on the machine disturbs least. */
function nsPerCall(call: () => number): number {
  const times: number[] = []
  const warm = performance.now() + 300
  while (performance.now() < warm) sink += call()
  const stop = performance.now() + 300
  while (performance.now() < stop || times.length < 5) {
    const start = process.hrtime.bigint()
    sink += call()
    times.push(Number(process.hrtime.bigint() - start))
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 10)] ?? Number.NaN
}

/** Two copies of one loop, so that each runs on one kind of array, as real readers do. */
function sumTyped(series: Uint32Array, time: Float64Array, value: Float64Array): number {
  let sum = 0
  for (let i = 0; i < value.length; i++) sum += (series[i] ?? 0) + (time[i] ?? 0) + (value[i] ?? 0)
  return sum
}

function sumArrays(series: readonly number[], time: readonly number[], value: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < value.length; i++) sum += (series[i] ?? 0) + (time[i] ?? 0) + (value[i] ?? 0)
  return sum
}

function measure(series: number, perSeries: number): Row[] {
  const samples = series * perSeries
  const batch = batchOf(series, perSeries)
  const encoded = encodeEvent('plimsoll.telemetry.v1.MetricBatch', batch)
  const objects = samplesOf(encoded)
  const columns = {
    series: objects.map((sample) => sample.series),
    time: objects.map((sample) => sample.time),
    value: objects.map((sample) => sample.value),
  }
  const json = JSON.stringify(objects)
  const jsonBytes = Buffer.from(json)
  const arrays = avroArrays.encode(SAMPLES_TYPE, columns)
  const row = (form: string, bytes: number, encode: () => number, decode: () => number): Row => {
    const decodeNs = nsPerCall(decode)
    return {
      series,
      samples,
      form,
      bytesPerSample: bytes / samples,
      encodeNs: nsPerCall(encode) / samples,
      decodeNs: decodeNs / samples,
      decodeMicrosPerBatch: decodeNs / 1000,
    }
  }
  return [
    row(
      'columns (whole batch, checked)',
      encoded.byteLength,
      () => encodeEvent('plimsoll.telemetry.v1.MetricBatch', batch).byteLength,
      () => metricBatchView(encoded, arena).sampleRows,
    ),
    row(
      'columns, and every sample read',
      encoded.byteLength,
      () => encodeEvent('plimsoll.telemetry.v1.MetricBatch', batch).byteLength,
      () => {
        const view = metricBatchView(encoded, arena)
        return sumTyped(view.sampleSeries, view.sampleTime, view.sampleValue)
      },
    ),
    row(
      'Avro arrays, and every sample read',
      arrays.byteLength,
      () => avroArrays.encode(SAMPLES_TYPE, columns).byteLength,
      () => {
        const read = avroArrays.decode(arrays).value as SampleArrays
        return sumArrays(read.series, read.time, read.value)
      },
    ),
    row(
      'JSON per sample, and every sample read',
      jsonBytes.byteLength,
      () => Buffer.from(JSON.stringify(objects)).byteLength,
      () => {
        let sum = 0
        for (const sample of JSON.parse(jsonBytes.toString()) as Sample[])
          sum += sample.series + sample.time + sample.value
        return sum
      },
    ),
  ]
}

const rows = [measure(2_000, 1), measure(2_000, 50)].flat()
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ node: process.version, rows }, null, 2))
} else {
  console.table(
    rows.map((row) => ({
      series: row.series,
      samples: row.samples,
      form: row.form,
      'bytes/sample': row.bytesPerSample.toFixed(1),
      'encode ns/sample': row.encodeNs.toFixed(2),
      'decode ns/sample': row.decodeNs.toFixed(2),
      'decode us/batch': row.decodeMicrosPerBatch.toFixed(1),
      'decode M samples/s': (1000 / row.decodeNs).toFixed(1),
    })),
  )
}
if (Number.isNaN(sink)) throw new Error('a form gave no numbers')
