/** Cost of the kernels in CPU time (not wall time: the machine may be shared). */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createRandom } from '@plimsoll/customer-success/domain/learn/random.ts'
import {
  createDetector,
  type Detector,
  type DetectorKind,
  type Observation,
  observe,
  saveDetector,
} from '../../../services/performance/domain/detector.ts'
import { add, createHistogram } from '../../../services/performance/domain/histogram.ts'
import { encodeHistogram } from '../../../services/performance/domain/histogramcodec.ts'

export type SpeedResult = {
  pointNs: number
  histogramPointNs: number
  bytesPerSeries: number
  savedBytes: number
  /** Of one detector fed with histograms, percentiles, error counts and rates: object headers included. */
  heapBytes: { latency: number; value: number; errors: number; throughput: number }
  endpoints: number
  endpointsMegabytes: number
  histogramAddNs: number
  histogramBytes600: number
}

/** Least CPU time of seven rounds: neighbours on the machine can only add to it. */
function cpuNs(work: () => void): number {
  let least = Infinity
  for (let round = 0; round < 7; round++) {
    const from = process.cpuUsage()
    work()
    const used = process.cpuUsage(from)
    least = Math.min(least, (used.user + used.system) * 1000)
  }
  return least
}

/** Garbage of earlier rounds must not be counted, nor be credited to what is measured. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  for (let round = 0; round < 2; round++) {
    runInNewContext('gc')()
    // Buffers of dead arrays are given back by another thread a little later.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  }
}

/** Bytes of arrays and numbers in a plain state. */
export function bytesOf(state: object): number {
  let bytes = 0
  for (const value of Object.values(state)) {
    if (ArrayBuffer.isView(value)) bytes += value.byteLength
    else if (typeof value === 'object' && value !== null) bytes += bytesOf(value)
    else if (value !== undefined) bytes += 8
  }
  return bytes
}

export function speedResult(): SpeedResult {
  const random = createRandom(1)
  const noise = Float64Array.from({ length: 4096 }, () => 100 * Math.exp(0.3 * (random() + random() + random() - 1.5)))
  const series = Array.from({ length: 200 }, () => createDetector('latency'))
  let t = 1_700_000_000
  const feed = (rounds: number): void => {
    for (let r = 0; r < rounds; r++) {
      t += 60
      for (let s = 0; s < series.length; s++) {
        const d = series[s]
        if (d !== undefined) observe(d, { kind: 'value', at: t, value: noise[(r * 31 + s * 17) & 4095] ?? 0 })
      }
    }
  }
  feed(400)
  const pointNs = cpuNs(() => feed(150)) / (150 * series.length)

  const window = createHistogram()
  for (let i = 0; i < 600; i++) add(window, noise[i] ?? 1)
  const histograms = createDetector('latency')
  for (let i = 0; i < 300; i++) observe(histograms, { kind: 'histogram', at: 1e9 + i * 60, histogram: window })
  let at = 2e9
  const histogramPointNs =
    cpuNs(() => {
      for (let i = 0; i < 5000; i++) {
        at += 60
        observe(histograms, { kind: 'histogram', at, histogram: window })
      }
    }) / 5000

  const adds = 1_000_000
  const target = createHistogram()
  for (let i = 0; i < 100_000; i++) add(target, noise[i & 4095] ?? 1)
  const histogramAddNs =
    cpuNs(() => {
      for (let i = 0; i < adds; i++) add(target, noise[i & 4095] ?? 1)
    }) / adds

  const endpoints = 10_000
  const kept: Detector[] = []
  const memory = (state: () => Detector): number => {
    collectGarbage()
    const before = process.memoryUsage()
    // All are kept to the end: what one kind gives back must not be credited to the next.
    for (let i = 0; i < endpoints; i++) kept.push(state())
    collectGarbage()
    const after = process.memoryUsage()
    return (after.heapUsed + after.external - before.heapUsed - before.external) / endpoints
  }
  // Fifty windows fill in all the parts and leave numbers, not small integers, behind.
  const fed = (kind: DetectorKind, observation: (at: number) => Observation) => (): Detector => {
    const d = createDetector(kind)
    for (let k = 1; k <= 50; k++) observe(d, observation(1_700_000_000 + k * 60))
    return d
  }
  const latency = memory(fed('latency', (when) => ({ kind: 'histogram', at: when, histogram: window })))
  const value = memory(fed('latency', (when) => ({ kind: 'value', at: when, value: noise[(when / 60) & 4095] ?? 0 })))
  const errors = memory(fed('errors', (when) => ({ kind: 'ratio', at: when, errors: 1, total: 300 })))
  const throughput = memory(fed('throughput', (when) => ({ kind: 'value', at: when, value: noise[when & 4095] ?? 0 })))
  if (kept.length !== 4 * endpoints) throw new Error('the detectors measured were not kept')
  const one = series[0]
  return {
    pointNs,
    histogramPointNs,
    bytesPerSeries: one === undefined ? 0 : bytesOf(one),
    savedBytes: one === undefined ? 0 : saveDetector(one).length,
    heapBytes: { latency, value, errors, throughput },
    endpoints,
    endpointsMegabytes: (endpoints * (latency + errors + throughput)) / 1e6,
    histogramAddNs,
    histogramBytes600: encodeHistogram(window).length,
  }
}
