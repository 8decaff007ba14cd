import { usageBatchView } from '@plimsoll/contracts/usage-batch.ts'
import type { Clock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { type ByteTable, createByteTable } from '../batch/bytetable.ts'

/** How long an event is known, ms: SDKs try again for minutes. Consumers of USAGE know them by id for good. */
export const WINDOW_MS = 10 * 60_000
/** Ids per generation, about 50 B each. When they come faster the window gets shorter. */
const MAX_IDS = 500_000

export const ID_BYTES = 16

/** The events and facts of the last ten minutes, by 16 bytes, so that one which comes again is not stored again. */
export type EventWindow = {
  /** Notes an id; false when it was there already. */
  add(id: Uint8Array): boolean
  forget(id: Uint8Array): void
  /** Reads the events the log holds of the last ten minutes: before the first request is taken. Resolves to their number. */
  rebuild(log: EventLog): Promise<number>
}

/** Ids in typed arrays: as texts in a set a million of them are as many objects, which every collection visits. */
type Generation = { readonly ids: ByteTable; readonly forgotten: Set<number> }

const newGeneration = (): Generation => ({ ids: createByteTable(), forgotten: new Set() })

export function createEventWindow(clock: Clock): EventWindow {
  // Two generations, each at least as long as the window: an id is dropped with its generation, without a timer each.
  let current = newGeneration()
  let older = newGeneration()
  let startedAt = clock.now()
  const key = new Uint8Array(ID_BYTES)
  const view = new DataView(key.buffer)

  /** Of `key`; -1 when it is not known. */
  function indexIn({ ids, forgotten }: Generation): number {
    const index = ids.find(key, view, 0, ID_BYTES)
    return forgotten.has(index) ? -1 : index
  }

  function add(id: Uint8Array): boolean {
    key.set(id)
    if (indexIn(current) >= 0 || indexIn(older) >= 0) return false
    const now = clock.now()
    if (current.ids.size >= MAX_IDS || now - startedAt >= WINDOW_MS) {
      older = current
      current = newGeneration()
      startedAt = now
    }
    current.forgotten.delete(current.ids.intern(key, view, 0, ID_BYTES))
    return true
  }

  return {
    add,
    forget(id) {
      key.set(id)
      for (const generation of [current, older]) {
        const index = indexIn(generation)
        if (index >= 0) generation.forgotten.add(index)
      }
    },
    async rebuild(log) {
      let found = 0
      for await (const data of messagesSince(log, clock.now() - WINDOW_MS)) {
        const { messageId, rows } = usageBatchView(data)
        for (let row = 0; row < rows; row++) if (add(idAt(messageId, row))) found++
      }
      return found
    },
  }
}

/** One of ids that stand end to end; a view. */
export const idAt = (ids: Uint8Array, index: number): Uint8Array =>
  ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES)

const FILTER = 'usage.*.UsageBatch'

/** Payloads stored since then: the headers tell where to start, since a reader starts at a sequence. */
async function* messagesSince(log: EventLog, sinceMs: number): AsyncGenerator<Uint8Array> {
  let startSeq: number | undefined
  for await (const { seq } of log.readHeaders({ stream: 'USAGE', filter: FILTER, sinceMs })) {
    startSeq = seq
    break
  }
  if (startSeq === undefined) return
  const name = `gateway-usage-window-${crypto.randomUUID()}`
  const reader = await log.reader({ stream: 'USAGE', filter: FILTER, startSeq, name })
  try {
    do for (const { data } of await reader.pull()) yield data
    while (!(await reader.caughtUp()))
  } finally {
    await reader.close()
  }
}
