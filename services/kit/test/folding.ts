import { f64Column, packColumn } from '@plimsoll/contracts/columns.ts'
import { examples } from '@plimsoll/contracts/examples.ts'
import { defaultLaneCount, laneToken } from '@plimsoll/contracts/lane.ts'
import { sql } from 'kysely'
import { bulkUpsert } from '../db/bulk.ts'
import { type OutgoingEvent, type Processor, processor } from '../lanes/processor.ts'
import type { OutgoingMessage } from '../log/log.ts'

/** What the chaos run is made of: samples in, exact sums per series and one fact per message out. */
export const seriesPerLane = 8
export const samplesPerMessage = 500
const sampleType = 'plimsoll.telemetry.v1.MetricBatch'
const factType = 'plimsoll.performance.v1.RegressionResolved'

export type SeriesSum = { readonly samples: number; readonly total: number }

/** Message `i` of a run, on its lane: whole numbers, so that sums are exact in any order. */
export function sampleMessage(i: number): OutgoingMessage {
  const values = Float64Array.from({ length: samplesPerMessage }, (_, k) => (i * 31 + k * 7) % 1_000)
  return {
    subject: `metric.${laneToken(i % defaultLaneCount)}.MetricBatch`,
    data: packColumn(values),
    id: `sample-${i}`,
    headers: { 'Plimsoll-Type': sampleType },
  }
}

/** Adds a message's samples to sums by series; sample `k` is of series `lane x 8 + k mod 8`. */
export function addSamples(sums: Map<number, SeriesSum>, lane: number, data: Uint8Array): void {
  const values = f64Column(data)
  for (let k = 0; k < values.length; k++) {
    const series = lane * seriesPerLane + (k % seriesPerLane)
    const { samples, total } = sums.get(series) ?? { samples: 0, total: 0 }
    sums.set(series, { samples: samples + 1, total: total + (values[k] ?? Number.NaN) })
  }
}

/** Keeps the sums of its lane's series in memory and in `series_sum`, and states one fact per message. */
export const foldSamples = processor<Map<number, SeriesSum>>({
  name: 'fold',
  version: 1,
  stream: 'METRIC',
  types: [sampleType],
  onPoison: 'halt',
  async load(tx, { lane }) {
    const { rows } = await sql<{ series: number } & SeriesSum>`
      select series, samples, total from series_sum where series / ${seriesPerLane} = ${lane}`.execute(tx)
    return new Map(rows.map(({ series, samples, total }) => [series, { samples, total }]))
  },
  handle(sums, batch, { lane }) {
    for (const { data } of batch) addSamples(sums, lane, data)
    const entries = [...sums]
    return {
      events: batch.map(
        ({ seq, time }): OutgoingEvent => ({
          type: factType,
          key: String(seq),
          time,
          value: examples[factType],
          sourceSeq: seq,
        }),
      ),
      async write(tx) {
        await bulkUpsert(tx, {
          table: 'series_sum',
          columns: [
            { name: 'series', type: 'int4', values: entries.map(([series]) => series) },
            { name: 'samples', type: 'int8', values: entries.map(([, { samples }]) => samples) },
            { name: 'total', type: 'float8', values: entries.map(([, { total }]) => total) },
          ],
          key: ['series'],
          onConflict: 'replace',
        })
      },
    }
  },
})

/** Counts how often each fact arrived: once, if the outbox, its ids and the lanes do what they should. */
export const tallyFacts: Processor<unknown> = processor<null>({
  name: 'tally',
  version: 1,
  stream: 'DERIVED',
  types: [factType],
  onPoison: 'halt',
  load: async () => null,
  handle: (_, batch) => ({
    async write(tx) {
      await bulkUpsert(tx, {
        table: 'fact',
        columns: [
          { name: 'id', type: 'text', values: batch.map(({ id }) => id) },
          { name: 'deliveries', type: 'int4', values: batch.map(() => 1) },
        ],
        key: ['id'],
        onConflict: { deliveries: 'fact.deliveries + 1' },
      })
    },
  }),
})
