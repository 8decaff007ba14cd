import { type Arena, createArena } from '@plimsoll/contracts/arena.ts'
import { METRIC_TYPE, metricBatchView } from '@plimsoll/contracts/metric-batch.ts'
import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import { type Processor, processor } from '@plimsoll/kit/lanes/processor.ts'

/** Count and sum per series of one lane, by slot. */
type LaneSums = {
  readonly slotOf: Map<number, number>
  samples: Float64Array
  totals: Float64Array
  /** Batch that last touched the slot: what the next commit writes. */
  touched: Int32Array
  batch: number
  readonly arena: Arena
}

const grown = <T extends Float64Array | Int32Array>(array: T, bigger: T): T => {
  bigger.set(array)
  return bigger
}

function slotFor(state: LaneSums, id: number): number {
  const known = state.slotOf.get(id)
  if (known !== undefined) return known
  const slot = state.slotOf.size
  if (slot === state.totals.length) {
    state.samples = grown(state.samples, new Float64Array(slot * 2))
    state.totals = grown(state.totals, new Float64Array(slot * 2))
    state.touched = grown(state.touched, new Int32Array(slot * 2))
  }
  state.slotOf.set(id, slot)
  return slot
}

/**
 * The least a real processor does: decode and check the batch, find each series' state once, fold each sample, write
 * each series that changed. `onCommit` hears of the samples it has handed to a commit.
 */
export function countingFold(onCommit: (samples: number, rows: number) => void): Processor<unknown> {
  return processor<LaneSums>({
    name: 'bench',
    version: 1,
    stream: 'METRIC',
    types: [METRIC_TYPE],
    onPoison: 'halt',
    load: async () => ({
      slotOf: new Map(),
      samples: new Float64Array(64),
      totals: new Float64Array(64),
      touched: new Int32Array(64),
      batch: 0,
      arena: createArena(),
    }),
    handle(state, batch, { lane }) {
      state.batch++
      const changed: number[] = []
      const ids: number[] = []
      let count = 0
      for (const { data } of batch) {
        const { seriesId, seriesRows, sampleSeries, sampleValue, sampleRows } = metricBatchView(data, state.arena)
        const slots = new Uint32Array(seriesRows)
        for (let row = 0; row < seriesRows; row++) {
          const id = (seriesId[row * 2] ?? 0) + (seriesId[row * 2 + 1] ?? 0) * 2 ** 32
          const slot = slotFor(state, id)
          slots[row] = slot
          if (state.touched[slot] === state.batch) continue
          state.touched[slot] = state.batch
          changed.push(slot)
          ids.push(id)
        }
        const { samples, totals } = state
        for (let k = 0; k < sampleRows; k++) {
          const slot = slots[sampleSeries[k] ?? 0] ?? 0
          samples[slot] = (samples[slot] ?? 0) + 1
          totals[slot] = (totals[slot] ?? 0) + (sampleValue[k] ?? 0)
        }
        count += sampleRows
      }
      return {
        async write(tx) {
          await bulkUpsert(tx, {
            table: 'series_sum',
            columns: [
              { name: 'lane', type: 'int2', values: ids.map(() => lane) },
              { name: 'series', type: 'int8', values: ids },
              { name: 'samples', type: 'int8', values: changed.map((slot) => state.samples[slot]) },
              { name: 'total', type: 'float8', values: changed.map((slot) => state.totals[slot]) },
            ],
            key: ['lane', 'series'],
            onConflict: 'replace',
          })
          onCommit(count, ids.length)
        },
      }
    },
  })
}
