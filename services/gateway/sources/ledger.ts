import type { Clock } from '@plimsoll/kit/clock.ts'
import type { Outcome } from '../decode/outcome.ts'
import type { Reason } from './advice.ts'

/** How a source sends telemetry. Hooks have protocols of their own. */
export type Protocol =
  | 'remote-write-1'
  | 'remote-write-2'
  | 'otlp-metrics'
  | 'otlp-traces'
  | 'otlp-logs'
  | 'prometheus-pull'
  | 'self-scrape'

/** What one source sent over one protocol. Counts only grow. */
export type Intakes = {
  requests: number
  /** Requests, of usage events, recognised as repeats of earlier ones: nothing of them was stored again. */
  repeats: number
  bytes: number
  samples: number
  histograms: number
  exemplars: number
  spans: number
  /** Alerts, deployments and other facts. */
  events: number
}

export type RefusalEntry = { count: number; example: string; atMs: number }

export type SourceEntry = {
  readonly source: string
  readonly protocol: string
  /** Since the process started. */
  readonly counts: Intakes
  /** Not yet written to the database. */
  unsaved: Intakes
  lastSeenMs: number
  /** Newest event time seen, ms since the epoch. */
  lastEventMs: number
  readonly refused: Map<string, RefusalEntry & { unsaved: number }>
  /** Samples, histograms and spans of this and the previous minute, for rates. */
  minute: number
  thisMinute: number
  previousMinute: number
}

/** Everything accepted and everything refused, by source, protocol and reason: nothing is dropped silently. */
export type SourceLedger = {
  accept(source: string, protocol: string, bytes: number, outcome: Outcome, latestMs: number): void
  acceptEvents(source: string, protocol: string, events: number): void
  repeat(source: string, protocol: string, count: number): void
  refuse(source: string, protocol: string, reason: Reason, count: number, example: string): void
  refuseAll(source: string, protocol: string, outcome: Outcome): void
  entries(): readonly SourceEntry[]
  /** Points per second over the last full minute, or so far when the source is younger. */
  ratePerSecond(entry: SourceEntry): number
}

/** Sources are credentials, which no sender makes up, so there are few; this only bounds what a flood of keys could do. */
export const MAX_ENTRIES = 10_000
/** Where sources beyond that are counted, by protocol. */
const OTHERS = '(others)'

export function createSourceLedger(clock: Clock): SourceLedger {
  const entries = new Map<string, SourceEntry>()

  function entryOf(source: string, protocol: string): SourceEntry {
    const key = `${protocol}\u0000${source}`
    let entry = entries.get(key)
    if (entry === undefined) {
      if (entries.size >= MAX_ENTRIES && source !== OTHERS) return entryOf(OTHERS, protocol)
      entry = {
        source,
        protocol,
        counts: noIntakes(),
        unsaved: noIntakes(),
        lastSeenMs: clock.now(),
        lastEventMs: Number.NEGATIVE_INFINITY,
        refused: new Map(),
        minute: Math.floor(clock.now() / 60_000),
        thisMinute: 0,
        previousMinute: 0,
      }
      entries.set(key, entry)
    }
    entry.lastSeenMs = clock.now()
    return entry
  }

  function turnMinute(entry: SourceEntry): void {
    const minute = Math.floor(clock.now() / 60_000)
    if (minute === entry.minute) return
    entry.previousMinute = minute === entry.minute + 1 ? entry.thisMinute : 0
    entry.thisMinute = 0
    entry.minute = minute
  }

  function refuse(source: string, protocol: string, reason: Reason, count: number, example: string): void {
    const entry = entryOf(source, protocol)
    const known = entry.refused.get(reason)
    if (known === undefined) entry.refused.set(reason, { count, unsaved: count, example, atMs: clock.now() })
    else {
      known.count += count
      known.unsaved += count
      known.example = example
      known.atMs = clock.now()
    }
  }

  return {
    accept(source, protocol, bytes, outcome, latestMs) {
      const entry = entryOf(source, protocol)
      turnMinute(entry)
      entry.thisMinute += outcome.samples + outcome.histograms + outcome.spans
      entry.lastEventMs = Math.max(entry.lastEventMs, latestMs)
      for (const counts of [entry.counts, entry.unsaved]) {
        counts.requests++
        counts.bytes += bytes
        counts.samples += outcome.samples
        counts.histograms += outcome.histograms
        counts.exemplars += outcome.exemplars
        counts.spans += outcome.spans
      }
    },
    acceptEvents(source, protocol, events) {
      const entry = entryOf(source, protocol)
      turnMinute(entry)
      entry.thisMinute += events
      entry.lastEventMs = Math.max(entry.lastEventMs, clock.now())
      for (const counts of [entry.counts, entry.unsaved]) {
        counts.requests++
        counts.events += events
      }
    },
    repeat(source, protocol, count) {
      const entry = entryOf(source, protocol)
      entry.counts.repeats += count
      entry.unsaved.repeats += count
    },
    refuse,
    refuseAll(source, protocol, outcome) {
      for (const { reason, count, example } of outcome.refused.values())
        refuse(source, protocol, reason, count, example)
    },
    entries: () => [...entries.values()],
    ratePerSecond(entry) {
      turnMinute(entry)
      if (entry.previousMinute > 0) return entry.previousMinute / 60
      return entry.thisMinute / Math.max(1, (clock.now() % 60_000) / 1000)
    },
  }
}

export function noIntakes(): Intakes {
  return { requests: 0, repeats: 0, bytes: 0, samples: 0, histograms: 0, exemplars: 0, spans: 0, events: 0 }
}
