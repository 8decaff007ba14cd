import { defaultLaneCount } from '@plimsoll/contracts/lane.ts'
import { type StreamName, streamDefinitions } from '@plimsoll/contracts/streams.ts'
import type { Clock } from '../clock.ts'
import { appError } from '../errors.ts'
import type { EventLog, LaneReader, ReadOptions, StoredMessage, StreamInfo } from './log.ts'
import { streamOfSubject } from './publisher.ts'
import { pullDefaults } from './reader.ts'

type Stored = Omit<StoredMessage, 'pending'>

type Stream = {
  readonly createdAt: string
  /** Message of sequence `seq` at `seq - 1`. */
  readonly messages: Stored[]
  /** Time of storing and sequence by message id, oldest first. */
  readonly recentIds: Map<string, { readonly time: number; readonly seq: number }>
  readonly wakers: Set<() => void>
}

/**
 * The log in this process's memory, with the semantics of the real one (`conformance.ts`): for tests and for trying a
 * service out. Messages are copied in, as a broker would, and never age away.
 * @example const log = createMemoryLog(manualClock(0))
 */
export function createMemoryLog(clock: Clock): EventLog {
  const streams = new Map<string, Stream>()
  const names = new Set<string>()
  let closed = false

  function streamOf(name: string): Stream {
    if (!Object.hasOwn(streamDefinitions, name)) {
      throw appError('broker-refused', `There is no stream ${name}; a subject starts with its stream's name.`)
    }
    let stream = streams.get(name)
    if (!stream) {
      stream = { createdAt: new Date(clock.now()).toISOString(), messages: [], recentIds: new Map(), wakers: new Set() }
      streams.set(name, stream)
    }
    return stream
  }

  /** The sequence that has the id already, if it came within the stream's duplicate window. */
  function duplicateOf(stream: Stream, id: string, windowMs: number): number | undefined {
    const oldest = clock.now() - windowMs
    for (const [recentId, { time }] of stream.recentIds) {
      if (time >= oldest) break
      stream.recentIds.delete(recentId)
    }
    return stream.recentIds.get(id)?.seq
  }

  const openCheck = () => {
    if (closed) throw appError('broker-unavailable', 'The log is closed.')
  }

  return {
    lanes: defaultLaneCount,
    serverVersion: '2.10.0',
    connected: () => !closed,
    async publish({ subject, data, id, headers }) {
      openCheck()
      const name = streamOfSubject(subject) as StreamName
      const stream = streamOf(name)
      if (id !== undefined) {
        const seq = duplicateOf(stream, id, streamDefinitions[name].duplicateWindowMs)
        if (seq !== undefined) return { stream: name, seq, duplicate: true }
      }
      const seq = stream.messages.length + 1
      const time = clock.now()
      stream.messages.push({
        stream: name,
        seq,
        subject,
        time,
        id: id ?? '',
        headers: id === undefined ? { ...headers } : { ...headers, 'Nats-Msg-Id': id },
        data: data.slice(),
      })
      if (id !== undefined) stream.recentIds.set(id, { time, seq })
      for (const wake of stream.wakers) wake()
      return { stream: name, seq, duplicate: false }
    },
    async reader(options) {
      openCheck()
      if (names.has(options.name)) {
        throw appError('unprocessable', `The reader name ${options.name} was used before; names are never reused.`)
      }
      names.add(options.name)
      return memoryReader(streamOf(options.stream), options, () => closed)
    },
    async *readHeaders({ stream, filter, sinceMs }) {
      openCheck()
      const matches = subjectMatcher(filter)
      const found = streamOf(stream).messages.filter(({ subject, time }) => time >= sinceMs && matches(subject))
      for (const [i, message] of found.entries()) {
        yield { ...message, data: new Uint8Array(), pending: found.length - i - 1 }
      }
    },
    async info(name): Promise<StreamInfo> {
      openCheck()
      const { createdAt, messages } = streamOf(name)
      const bytes = messages.reduce((sum, { data }) => sum + data.length, 0)
      const { metadata } = streamDefinitions[name]
      return {
        stream: name,
        createdAt,
        firstSeq: 1,
        lastSeq: messages.length,
        messages: messages.length,
        bytes,
        metadata,
      }
    },
    async get(name, seq) {
      openCheck()
      const message = streamOf(name).messages[seq - 1]
      return message && { ...message, pending: 0 }
    },
    async flush() {},
    async close() {
      closed = true
      for (const { wakers } of streams.values()) for (const wake of wakers) wake()
    },
  }
}

function memoryReader(stream: Stream, options: ReadOptions, logClosed: () => boolean): LaneReader {
  const { filter, startSeq } = options
  const { maxMessages, maxBytes, maxWaitMs } = { ...pullDefaults, ...options }
  const matches = subjectMatcher(filter)
  let next = Math.max(startSeq, 1) - 1
  let closed = false

  const waiting = () => stream.messages.slice(next).filter(({ subject }) => matches(subject))

  function take(): StoredMessage[] {
    const found = waiting()
    let bytes = 0
    const batch = found.slice(0, maxMessages).filter(({ data }, i) => {
      bytes += data.length
      return i === 0 || bytes <= maxBytes
    })
    next = batch.length === found.length ? stream.messages.length : (batch.at(-1)?.seq ?? next)
    return batch.map((message, i) => ({ ...message, pending: found.length - i - 1 }))
  }

  return {
    ready,
    pull: async () => ((await ready()) ? take() : []),
    // What a reader gets is the log's own copy.
    giveBack() {},
    caughtUp: async () => waiting().length === 0,
    async close() {
      closed = true
      for (const wake of stream.wakers) wake()
    },
  }

  async function ready(): Promise<boolean> {
    const deadline = performance.now() + maxWaitMs
    for (;;) {
      if (closed || logClosed()) throw appError('broker-unavailable', `Reader ${options.name} is closed.`)
      const leftMs = deadline - performance.now()
      const found = waiting().length > 0
      if (found || leftMs <= 0) return found
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          stream.wakers.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, leftMs)
        stream.wakers.add(wake)
      })
    }
  }
}

/** NATS subject wildcards: `*` is one token, a last `>` is one or more. */
function subjectMatcher(filter: string): (subject: string) => boolean {
  const wanted = filter.split('.')
  return (subject) => {
    const tokens = subject.split('.')
    const open = wanted.at(-1) === '>'
    if (open ? tokens.length < wanted.length : tokens.length !== wanted.length) return false
    return wanted.every(
      (token, i) => token === '*' || (token === '>' && i === wanted.length - 1) || token === tokens[i],
    )
  }
}
