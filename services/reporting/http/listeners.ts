import type { EventStream } from '@plimsoll/kit/http/eventstream.ts'
import type { ServiceContext } from '@plimsoll/kit/service.ts'
import { feedAfter } from '../store/feed.ts'
import type { ReportingTables } from '../store/tables.ts'

/** Where a listener is in the feed. The event stream's ids are `<generation>.<seq>`. */
type Position = { readonly generation: number; readonly seq: number }

export type Listeners = {
  /** Sends what comes after `lastEventId` on `stream`, or from now on when there is none, until it is closed. */
  attach(stream: EventStream, lastEventId: string | undefined): void
  count(): number
}

const sliceRows = 500

/**
 * Fans the feed out to its listeners. One read per poll serves them all, whichever process wrote the feed. Nothing is
 * read while nobody listens.
 * @param onDropped called for a client that did not read what it was sent; it comes back with its Last-Event-ID
 */
export function createListeners(
  { reader, logger }: Pick<ServiceContext<unknown, ReportingTables>, 'reader' | 'logger'>,
  pollMs: number,
  onDropped: () => void,
): Listeners {
  const positions = new Map<EventStream, Position | undefined>()
  let polling = false

  const send = (stream: EventStream, name: string, position: Position, data: unknown): void => {
    positions.set(stream, position)
    if (stream.send({ name, id: `${position.generation}.${position.seq}`, data })) return
    positions.delete(stream)
    onDropped()
  }

  const poll = async (): Promise<void> => {
    const furthestBehind = Math.min(
      ...[...positions.values()].map((position) => position?.seq ?? Number.MAX_SAFE_INTEGER),
    )
    const { generation, head, items } = await feedAfter(reader, furthestBehind, sliceRows)
    const oldest = items[0]?.seq ?? head + 1
    const now = { generation, seq: head }
    for (const [stream, position] of positions) {
      if (position === undefined) {
        send(stream, 'hello', now, {})
      } else if (position.generation !== generation || position.seq > head || position.seq + 1 < oldest) {
        // Rebuilt, or what it missed is no longer kept: it has to read everything again.
        send(stream, 'reset', now, {})
      } else {
        for (const { seq, body } of items) {
          if (seq > position.seq && positions.has(stream)) send(stream, 'change', { generation, seq }, body)
        }
      }
    }
  }

  const keepPolling = async (): Promise<void> => {
    if (polling) return
    polling = true
    while (positions.size > 0) {
      try {
        await poll()
      } catch (error) {
        logger.warn({ err: error }, 'the feed could not be read; trying again')
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs).unref())
    }
    polling = false
  }

  return {
    attach(stream, lastEventId) {
      positions.set(stream, positionOf(lastEventId))
      stream.closed.then(() => positions.delete(stream))
      keepPolling()
    },
    count: () => positions.size,
  }
}

function positionOf(id: string | undefined): Position | undefined {
  const match = /^(\d{1,9})\.(\d{1,15})$/.exec(id ?? '')
  return match === null ? undefined : { generation: Number(match[1]), seq: Number(match[2]) }
}
