/**
 * Samples per second of CPU and bytes per series of performance's fold, from 1 k to 100 k series, as messages of 2,000 samples:
 * the columns are there already, so this is lookup, fold and closing of windows, without decoding and commit.
 * The reference in the same run is a loop over the same samples with one `Map` of objects, as one would write it first.
 */

import { foldSamples } from '@plimsoll/performance/domain/count.ts'
import { createFold, type Fold } from '@plimsoll/performance/domain/fold.ts'
import { resolveSeries, type SeriesDictionary } from '@plimsoll/performance/domain/introduce.ts'
import { closeTouched } from '@plimsoll/performance/domain/windows.ts'

type Message = {
  readonly dictionary: SeriesDictionary
  readonly samples: Parameters<typeof foldSamples>[2]
}

const SAMPLES = 2_000
const SCRAPE_MS = 15_000
const BOUNDS = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf']
const LATENESS = { allowedMs: 10_000, idleMs: 15_000 }

type Kind = 'histogram buckets' | 'of no meaning'

/** Messages of one scrape: every series once, each message with its own dictionary, as the gateway makes them. */
function scrape(seriesCount: number, number: number, kind: Kind): Message[] {
  const messages: Message[] = []
  for (let from = 0; from < seriesCount; from += SAMPLES) {
    const count = Math.min(SAMPLES, seriesCount - from)
    const ids = new Uint32Array(2 * count)
    const value = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      const series = from + i
      ids[2 * i] = Math.imul(series + 1, 2_654_435_761) >>> 0
      ids[2 * i + 1] = Math.imul(series + 1, 2_246_822_519) >>> 0
      value[i] = number * (1 + (series % BOUNDS.length))
    }
    const dictionary: SeriesDictionary = {
      count,
      ids,
      describe: (row) => describeSeries(from + row, kind),
    }
    const samples = {
      series: Uint32Array.from({ length: count }, (_, i) => i),
      time: new Float64Array(count).fill(1.7e12 + number * SCRAPE_MS),
      start: new Float64Array(0),
      value,
    }
    messages.push({ dictionary, samples })
  }
  return messages
}

function describeSeries(series: number, kind: Kind) {
  const endpoint = Math.floor(series / BOUNDS.length)
  const labels = new Map([
    ['job', `service-${Math.floor(endpoint / 50)}`],
    ['handler', `/route-${endpoint % 50}`],
    ['le', BOUNDS[series % BOUNDS.length] ?? ''],
  ])
  const name = kind === 'histogram buckets' ? 'http_request_duration_seconds_bucket' : 'container_memory_bytes_bucket'
  return { name, unit: '', kind: 1, labels }
}

function foldAll(fold: Fold, rows: Int32Array, messages: readonly Message[]): number {
  let samples = 0
  for (const message of messages) {
    resolveSeries(fold, 'bench', message.dictionary, rows)
    foldSamples(fold, rows, message.samples, 1.7e12)
    samples += message.samples.series.length
  }
  // A worker closes once per batch of up to 100 messages.
  closeTouched(fold, LATENESS)
  return samples
}

/** The reference: an object per series in a Map keyed by its identity. */
function foldPlainly(
  known: Map<string, { time: number; value: number; sum: number }>,
  messages: readonly Message[],
): number {
  let samples = 0
  for (const { dictionary, samples: columns } of messages) {
    for (let i = 0; i < columns.series.length; i++) {
      const row = columns.series[i] ?? 0
      const key = `${dictionary.ids[2 * row]}:${dictionary.ids[2 * row + 1]}`
      const [time, value] = [columns.time[i] ?? 0, columns.value[i] ?? 0]
      const series = known.get(key)
      if (series === undefined) known.set(key, { time, value, sum: 0 })
      else {
        series.sum += value >= series.value ? value - series.value : value
        series.time = time
        series.value = value
      }
      samples++
    }
  }
  return samples
}

/** Runs scrape after scrape until `forMs` of CPU have been measured; samples per second of CPU. The messages are made outside the measured time. */
function measure(forMs: number, run: (number: number) => { readonly work: () => number }): number {
  let samples = 0
  let took = 0
  for (let number = 1; took < forMs || number < 8; number++) {
    const { work } = run(number)
    // CPU, not wall clock: the machine may be shared.
    const before = process.cpuUsage()
    const done = work()
    // The first scrapes introduce the series and warm the code.
    if (number < 4) continue
    const { user, system } = process.cpuUsage(before)
    took += (user + system) / 1000
    samples += done
  }
  return (samples / took) * 1000
}

const heapBytes = (): number => {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

export type FoldRow = {
  readonly kind: Kind
  readonly series: number
  readonly samplesPerSecond: number
  readonly referencePerSecond: number
  readonly bytesPerSeries: number
}

export function benchFold(forMs = 400): FoldRow[] {
  const rows = new Int32Array(SAMPLES)
  const results: FoldRow[] = []
  for (const kind of ['histogram buckets', 'of no meaning'] as const) {
    for (const series of [1_000, 10_000, 100_000]) {
      const before = heapBytes()
      const fold = createFold(0, { endpointsPerService: 500 })
      const samplesPerSecond = measure(forMs, (number) => {
        const messages = scrape(series, number, kind)
        return { work: () => foldAll(fold, rows, messages) }
      })
      const bytesPerSeries = (heapBytes() - before) / series
      const known = new Map()
      const referencePerSecond = measure(forMs, (number) => {
        const messages = scrape(series, number, kind)
        return { work: () => foldPlainly(known, messages) }
      })
      // Keeps both alive until they were measured.
      if (fold.table.count + known.size < 0) throw new Error('nothing was folded')
      results.push({ kind, series, samplesPerSecond, referencePerSecond, bytesPerSeries })
    }
  }
  return results
}

if (import.meta.main) {
  const results = benchFold()
  if (process.argv.includes('--json')) console.log(JSON.stringify({ fold: results }))
  else {
    console.log('fold: series kind        series   M samples/s   Map of objects   bytes/series')
    for (const row of results) {
      const cells = [
        row.kind.padEnd(18),
        String(row.series).padStart(8),
        (row.samplesPerSecond / 1e6).toFixed(1).padStart(13),
        (row.referencePerSecond / 1e6).toFixed(1).padStart(16),
        row.bytesPerSeries.toFixed(0).padStart(14),
      ]
      console.log(`      ${cells.join('')}`)
    }
  }
}
