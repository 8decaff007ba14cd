/**
 * Signals: what stage 1 says of one series. A signal is an episode of a watched series; its identity is the series and
 * the onset first dated, so that the same history gives the same signals.
 */

import type { Summary } from './detector.ts'
import type { Judgement, Watch, Watched } from './watch.ts'

export type Signal = {
  /** Identity of the episode. */
  readonly episodeId: string
  readonly watched: Watched
  readonly state: 'suspected' | 'confirmed' | 'resolved' | 'accepted'
  readonly direction: 'up' | 'down'
  readonly detector: string
  readonly eValue: number
  readonly onsetMs: number
  readonly atMs: number
  readonly before: Summary
  readonly after: Summary
  readonly beforeValue: number
  readonly afterValue: number
  readonly auc: number | null
  /** Requests per second of the endpoint, null where unknown. */
  readonly rate: number | null
  readonly release: string
  readonly reason: string
}

export const episodeId = (seriesId: number, episodeMs: number): string =>
  `${seriesId.toString(36)}-${Math.round(episodeMs / 1000).toString(36)}`

/** Only a change for the worse is a regression: less traffic, more of anything else. */
export function isWorse(watched: Watched, direction: 'up' | 'down'): boolean {
  return watched.metric === 'throughput' ? direction === 'down' : direction === 'up'
}

/** The signal a verdict amounts to; undefined for changes for the better. Opens and closes the series' episode. */
export function signalOf(watch: Watch, { watched, verdict, atMs }: Judgement): Signal | undefined {
  const opens = verdict.state === 'suspected' || verdict.state === 'confirmed'
  if (opens && !isWorse(watched, verdict.direction)) return undefined
  if (opens && watched.episodeMs === 0) watched.episodeMs = verdict.onsetAt * 1000
  if (watched.episodeMs === 0) return undefined
  const episode = episodeId(watched.id, watched.episodeMs)
  const onsetMs = watched.episodeMs
  if (!opens) watched.episodeMs = 0
  return {
    episodeId: episode,
    watched,
    state: verdict.state,
    direction: verdict.direction,
    detector: verdict.detector,
    eValue: Math.min(1e300, verdict.eValue),
    onsetMs: opens ? verdict.onsetAt * 1000 : onsetMs,
    atMs,
    before: verdict.before,
    after: verdict.after,
    beforeValue: headline(verdict.before),
    afterValue: headline(verdict.after),
    auc: verdict.auc ?? null,
    rate: watch.index.get(`${watched.ownerId}:throughput`)?.latestValue ?? null,
    release: watched.release,
    reason: verdict.reason,
  }
}

/** p95 where there are requests behind it; a series of single values is told by its median. */
function headline(summary: Summary): number {
  const value = summary.histogram === undefined ? summary.p50 : summary.p95
  return Number.isFinite(value) ? value : summary.p50
}

/** The end of an episode by a person's decision; undefined when none is open. */
export function acceptedSignal(watched: Watched, atMs: number): Signal | undefined {
  if (watched.episodeMs === 0) return undefined
  const onsetMs = watched.episodeMs
  watched.episodeMs = 0
  const value = watched.latestValue
  const now: Summary = { n: 0, p50: value, p95: value, p99: value, p50Interval: [value, value] }
  return {
    episodeId: episodeId(watched.id, onsetMs),
    watched,
    state: 'accepted',
    direction: watched.metric === 'throughput' ? 'down' : 'up',
    detector: 'person',
    eValue: 0,
    onsetMs,
    atMs,
    before: now,
    after: now,
    beforeValue: value,
    afterValue: value,
    auc: null,
    rate: null,
    release: watched.release,
    reason: 'Accepted as the new normal.',
  }
}
