import { type Arena, createArena } from '@plimsoll/contracts/arena.ts'
import { METRIC_TYPE, metricBatchView } from '@plimsoll/contracts/metric-batch.ts'
import { createPageReader, type LanePage, loadPages, savePages, take } from '@plimsoll/kit/lanes/pages.ts'
import { type Processor, processor } from '@plimsoll/kit/lanes/processor.ts'

/** Count and sum per series of one lane, by slot; id, count and sum lie side by side, as they do in a page. */
type LaneSums = {
  readonly slotOf: Map<number, number>
  values: Float64Array
  readonly dirty: Set<number>
  readonly arena: Arena
}

const WORDS = 3
const SLOTS_PER_PAGE = 256
const KIND = 0

function slotFor(state: LaneSums, id: number): number {
  const known = state.slotOf.get(id)
  if (known !== undefined) return known
  const slot = state.slotOf.size
  if (slot * WORDS === state.values.length) {
    const grown = new Float64Array(state.values.length * 2)
    grown.set(state.values)
    state.values = grown
  }
  state.values[slot * WORDS] = id
  state.slotOf.set(id, slot)
  return slot
}

function dirtyPages({ values, slotOf, dirty }: LaneSums): LanePage[] {
  const words = WORDS * SLOTS_PER_PAGE
  const pages = [...dirty].map((page) => {
    const used = values.subarray(page * words, Math.min((page + 1) * words, slotOf.size * WORDS))
    return { kind: KIND, page, bytes: new Uint8Array(used.buffer, used.byteOffset, used.byteLength) }
  })
  dirty.clear()
  return pages
}

/** How many samples the pages tell of. */
export function samplesIn(pages: readonly LanePage[]): number {
  let samples = 0
  for (const { bytes } of pages) {
    for (const page = createPageReader(bytes); page.at < page.values.length; take(page)) {
      take(page)
      samples += take(page)
    }
  }
  return samples
}

/**
 * The least a real processor does: decode and check the batch, find each series' state once, fold each sample, write
 * the pages of the series that changed. `onCommit` hears of the samples it has handed to a commit and of the pages.
 */
export function countingFold(onCommit: (samples: number, pages: number) => void): Processor<unknown> {
  return processor<LaneSums>({
    name: 'bench',
    version: 1,
    stream: 'METRIC',
    types: [METRIC_TYPE],
    onPoison: 'halt',
    async load(tx, { lane }) {
      const pages = (await loadPages(tx, lane)).map(({ bytes }) => createPageReader(bytes).values)
      const values = new Float64Array(WORDS * SLOTS_PER_PAGE * Math.max(1, pages.length))
      pages.forEach((page, number) => {
        values.set(page, number * WORDS * SLOTS_PER_PAGE)
      })
      const known = pages.reduce((words, page) => words + page.length, 0) / WORDS
      const slotOf = new Map(Array.from({ length: known }, (_, slot) => [values[slot * WORDS] ?? 0, slot]))
      return { slotOf, values, dirty: new Set(), arena: createArena() }
    },
    handle(state, batch, { lane }) {
      let count = 0
      for (const { data } of batch) {
        const { seriesId, seriesRows, sampleSeries, sampleValue, sampleRows } = metricBatchView(data, state.arena)
        const slots = new Uint32Array(seriesRows)
        for (let row = 0; row < seriesRows; row++) {
          const slot = slotFor(state, (seriesId[row * 2] ?? 0) + (seriesId[row * 2 + 1] ?? 0) * 2 ** 32)
          slots[row] = slot
          state.dirty.add(Math.floor(slot / SLOTS_PER_PAGE))
        }
        const { values } = state
        for (let k = 0; k < sampleRows; k++) {
          const at = (slots[sampleSeries[k] ?? 0] ?? 0) * WORDS
          values[at + 1] = (values[at + 1] ?? 0) + 1
          values[at + 2] = (values[at + 2] ?? 0) + (sampleValue[k] ?? 0)
        }
        count += sampleRows
      }
      return {
        async write(tx) {
          const pages = dirtyPages(state)
          await savePages(tx, lane, pages)
          onCommit(count, pages.length)
        },
      }
    },
  })
}
