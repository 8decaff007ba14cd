import { createHash } from 'node:crypto'
import { laneOfSubject } from '@plimsoll/contracts/subjects.ts'
import type { Clock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { partKey, partOfMessageId } from '../batch/lanes.ts'

/** How long a repeated request is recognised, ms. Prometheus retries a request for minutes, not hours. */
export const WINDOW_MS = 10 * 60_000

/**
 * Identity of a request: 128 bits over everything that decides what it means. Two senders may well send the same bytes.
 * @example requestId('prometheus-eu', '/api/v1/write', 'application/x-protobuf', body)
 */
export function requestId(source: string, path: string, contentType: string, body: Uint8Array): string {
  const hash = createHash('sha256').update(`${source}\u0000${path}\u0000${contentType}\u0000`).update(body)
  return hash.digest('hex').slice(0, 32)
}

export type Repeat<Answer> =
  /** Never seen, or forgotten: do it. `stored` holds the parts an earlier life of this process left in the log. */
  | { readonly state: 'new'; readonly stored: ReadonlySet<string> }
  /** The same request is being worked on, or was answered: this is its answer. */
  | { readonly state: 'known'; readonly answer: Answer | Promise<Answer> }

/** The requests of the last ten minutes, so that a repeat changes nothing and gets the same answer. */
export type RequestWindow<Answer> = {
  look(id: string): Repeat<Answer>
  /** Remembers the answer to come; a rejected one is forgotten, so that the repeat is worked on again. */
  remember(id: string, answer: Promise<Answer>): void
  /** Reads which requests the log holds from the last ten minutes: before the first request is taken. */
  rebuild(log: EventLog): Promise<number>
  readonly size: number
}

/**
 * Entries per generation: 330 requests a second over the whole window. Beyond it the window gets shorter; the broker's
 * own duplicate window (2 minutes) stands behind it for big requests.
 */
const MAX_ENTRIES = 200_000

const nothingStored: ReadonlySet<string> = new Set()

export function createRequestWindow<Answer>(clock: Clock): RequestWindow<Answer> {
  // Two generations, each as long as the window: an entry is dropped after one to two windows, without a timer each.
  let answers = new Map<string, Answer | Promise<Answer>>()
  let olderAnswers = new Map<string, Answer | Promise<Answer>>()
  let startedAt = clock.now()
  const left = new Map<string, Set<string>>()
  let rebuiltAt = 0

  function age(): void {
    const now = clock.now()
    if (now - startedAt >= WINDOW_MS || answers.size >= MAX_ENTRIES) {
      olderAnswers = answers
      answers = new Map()
      startedAt = now
    }
    if (left.size > 0 && now - rebuiltAt >= WINDOW_MS) left.clear()
  }

  function note(id: string, part: string): void {
    const parts = left.get(id)
    if (parts === undefined) left.set(id, new Set([part]))
    else parts.add(part)
  }

  return {
    get size() {
      return answers.size + olderAnswers.size + left.size
    },
    look(id) {
      age()
      const answer = answers.get(id) ?? olderAnswers.get(id)
      if (answer !== undefined) return { state: 'known', answer }
      return { state: 'new', stored: left.get(id) ?? nothingStored }
    },
    remember(id, answer) {
      const generation = answers
      generation.set(id, answer)
      answer.then(
        (given) => generation.set(id, given),
        () => generation.delete(id),
      )
    },
    async rebuild(log) {
      rebuiltAt = clock.now()
      const sinceMs = rebuiltAt - WINDOW_MS
      for await (const message of log.readHeaders({ stream: 'METRIC', filter: 'metric.>', sinceMs })) {
        const own = partOfMessageId(message.id)
        const part = own === undefined ? partKey(laneOfSubject(message.subject), 0) : partKey(own.lane, own.part)
        for (const id of (message.headers['Plimsoll-Requests'] ?? '').split(',')) if (id !== '') note(id, part)
      }
      return left.size
    },
  }
}
