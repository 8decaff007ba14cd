/**
 * Signals: what stage 1 says of one series. A signal is an episode of a watched series; its identity is the series and
 * the onset first dated, so that the same history gives the same signals.
 */

import type { Summary, Verdict } from './detector.ts'
import type { Judgement, Watch, Watched } from './watch.ts'

export type Signal = {
  /** Identity of the episode. */
  readonly episodeId: string
  readonly watched: Watched
  /** `evidence`: the state is as it was, the evidence has grown. */
  readonly state: 'suspected' | 'confirmed' | 'resolved' | 'accepted' | 'evidence'
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

/**
 * The signal a judgement amounts to; opens and closes the series' episode. Undefined for what is no episode: detectors
 * take an improvement as the new regime and say so as `accepted`.
 */
export function signalOf(watch: Watch, judgement: Judgement): Signal | undefined {
  const { watched, atMs } = judgement
  if (judgement.kind === 'evidence') return evidenceSignal(watched, judgement.eValue, atMs)
  const verdict = forTheWorse(watched, judgement.verdict)
  if (verdict === undefined) return undefined
  const opens = verdict.state === 'suspected' || verdict.state === 'confirmed'
  if (opens) {
    if (watched.episodeMs === 0) {
      watched.episodeMs = verdict.onsetAt * 1000
      watched.episodeEvidence = verdict.eValue
    }
    watched.episodeTold = Math.max(watched.episodeTold, verdict.eValue)
  }
  if (watched.episodeMs === 0) return undefined
  const onsetMs = watched.episodeMs
  if (!opens) closeEpisode(watched)
  return {
    episodeId: episodeId(watched.id, onsetMs),
    watched,
    state: verdict.state,
    direction: verdict.direction,
    detector: verdict.detector,
    eValue: Math.min(1e300, verdict.eValue),
    onsetMs: opens ? verdict.onsetAt * 1000 : onsetMs,
    atMs,
    before: verdict.before,
    after: verdict.after,
    beforeValue: headline(watched, verdict.before),
    afterValue: headline(watched, verdict.after),
    auc: verdict.auc ?? null,
    rate: watch.index.get(`${watched.ownerId}:throughput`)?.latestValue ?? null,
    release: verdict.release ?? watched.release,
    reason: verdict.reason,
  }
}

/**
 * A regression is a change for the worse. A detector also follows a sharp fall, to
 * learn what is usual now; where an episode is open, such a fall ends it.
 */
function forTheWorse(watched: Watched, verdict: Verdict): Verdict | undefined {
  const worse = worseDirection(watched)
  const opens = verdict.state === 'suspected' || verdict.state === 'confirmed'
  if (!opens || verdict.direction === worse) return verdict
  return watched.episodeMs === 0 ? undefined : { ...verdict, state: 'resolved' }
}

function closeEpisode(watched: Watched): void {
  watched.episodeMs = 0
  watched.episodeEvidence = 0
  watched.episodeTold = 0
}

/** p95 where requests are behind it; a series of single values is told by its median. */
function headline(watched: Watched, summary: Summary): number {
  const value = watched.metric === 'latency' && watched.quantile === '' ? summary.p95 : summary.p50
  return Number.isFinite(value) ? value : summary.p50
}

function evidenceSignal(watched: Watched, eValue: number, atMs: number): Signal {
  return { ...plainSignal(watched, watched.episodeMs, atMs), state: 'evidence', eValue, detector: '', reason: '' }
}

/** The end of an episode by a person's decision; undefined when none is open. */
export function acceptedSignal(watched: Watched, atMs: number): Signal | undefined {
  if (watched.episodeMs === 0) return undefined
  const signal = plainSignal(watched, watched.episodeMs, atMs)
  closeEpisode(watched)
  return { ...signal, state: 'accepted', eValue: 0, detector: 'person', reason: 'Accepted as the new normal.' }
}

/** Less traffic is worse, and more of anything else. */
const worseDirection = ({ metric }: Watched): 'up' | 'down' => (metric === 'throughput' ? 'down' : 'up')

/** The end of an episode whose series has not been heard of for long; undefined when none is open. */
export function goneSignal(watched: Watched, atMs: number): Signal | undefined {
  if (watched.episodeMs === 0) return undefined
  const signal = plainSignal(watched, watched.episodeMs, atMs)
  closeEpisode(watched)
  return { ...signal, state: 'resolved', eValue: 0, detector: 'gone', reason: 'Nothing was measured any more.' }
}

/** What is said of an episode without a verdict: who, when and the latest value. */
function plainSignal(watched: Watched, onsetMs: number, atMs: number) {
  const value = watched.latestValue
  const now: Summary = { n: 0, p50: value, p95: value, p99: value, p50Interval: [value, value] }
  return {
    episodeId: episodeId(watched.id, onsetMs),
    watched,
    direction: worseDirection(watched),
    onsetMs,
    atMs,
    before: now,
    after: now,
    beforeValue: value,
    afterValue: value,
    auc: null,
    rate: null,
    release: watched.release,
  }
}
