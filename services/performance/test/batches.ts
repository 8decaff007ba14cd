/** MetricBatches for tests, from series as one would write them down. */

import { packColumn } from '@plimsoll/contracts/columns.ts'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { defaultLaneCount, laneOf, metricLaneKey } from '@plimsoll/contracts/lane.ts'
import { METRIC_TYPE, noHistograms } from '@plimsoll/contracts/metric-batch.ts'
import { createStringTableBuilder } from '@plimsoll/contracts/strings.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import type { OutgoingMessage } from '@plimsoll/kit/log/log.ts'

export type TestSeries = {
  readonly name: string
  readonly kind?: number
  readonly unit?: string
  readonly labels: Readonly<Record<string, string>>
  /** Time in ms and value. */
  readonly samples: readonly (readonly [timeMs: number, value: number])[]
}

/** Bytes of a batch; identities are hashes of name and labels, as the gateway makes them. */
export function encodeBatch(source: string, receivedAt: number, series: readonly TestSeries[]): Uint8Array {
  const strings = createStringTableBuilder()
  const ref = (text: string) => strings.intern(text)
  const labelEnds: number[] = []
  const labelRefs: number[] = []
  for (const { labels } of series) {
    for (const name of Object.keys(labels).sort()) labelRefs.push(ref(name), ref(labels[name] ?? ''))
    labelEnds.push(labelRefs.length)
  }
  const samples = series.flatMap(({ samples }, row) => samples.map(([time, value]) => ({ row, time, value })))
  const none = new Uint8Array(0)
  return encodeEvent(METRIC_TYPE, {
    source,
    receivedAt,
    seriesId: packColumn(Uint32Array.from(series.flatMap(identityOf))),
    describedRow: none,
    seriesKind: Uint8Array.from(series, ({ kind }) => kind ?? 5),
    seriesName: packColumn(Uint32Array.from(series, ({ name }) => ref(name))),
    seriesUnit: packColumn(Uint32Array.from(series, ({ unit }) => (unit === undefined ? 0 : ref(unit)))),
    seriesLabelEnd: packColumn(Uint32Array.from(labelEnds)),
    labelRefs: packColumn(Uint32Array.from(labelRefs)),
    sampleSeries: packColumn(Uint32Array.from(samples, ({ row }) => row)),
    sampleTime: packColumn(Float64Array.from(samples, ({ time }) => time)),
    sampleStart: none,
    sampleValue: packColumn(Float64Array.from(samples, ({ value }) => value)),
    ...noHistograms,
    stringBytes: strings.stringBytes(),
    stringEnds: strings.stringEnds(),
  })
}

function identityOf({ name, labels }: TestSeries): [number, number] {
  const text = JSON.stringify([name, ...Object.entries(labels).sort()])
  let low = 0x811c9dc5
  let high = 0x9dc5811c
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193)
    high = Math.imul(high ^ text.charCodeAt(i), 0x85ebca6b)
  }
  return [low >>> 0, high >>> 0]
}

/** A batch as the gateway publishes it, in the lane of its service and source. */
export function batchMessage(
  service: string,
  source: string,
  receivedAt: number,
  series: readonly TestSeries[],
): OutgoingMessage {
  return {
    subject: subjectOf(METRIC_TYPE, laneOf(metricLaneKey(service, source), defaultLaneCount)),
    data: encodeBatch(source, receivedAt, series),
    headers: { 'Plimsoll-Type': METRIC_TYPE },
  }
}

/** Deterministic noise in [0, 1). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
