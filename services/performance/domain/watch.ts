/**
 * Watched series: what detectors look at. An endpoint gives up to three (latency, error rate, throughput), a gauge one;
 * of the percentiles imported for one place only the one nearest to p95 is watched, for they move together and would
 * raise the same alarm several times.
 */

import {
  createDetector,
  type Detector,
  type DetectorKind,
  evidenceSinceOpening,
  noteRelease,
  type Observation,
  observe,
  type Verdict,
} from './detector.ts'
import type { ClosedWindow, Endpoint } from './endpoint.ts'
import { type Fold, nextId } from './fold.ts'
import type { Gauge } from './gauge.ts'
import { createHistogram, type Histogram, merge } from './histogram.ts'
import type { Place } from './meaning.ts'
import type { Closed, ClosedGauge, ClosedMinute } from './windows.ts'
import { clearWorkbench, type Resting, rest, takeUp, type Workbench } from './workbench.ts'

export type Metric = 'latency' | 'error_rate' | 'throughput' | 'gauge'

export type Watched = {
  readonly id: number
  /** Endpoint or gauge. */
  readonly ownerId: number
  readonly place: Place
  readonly metric: Metric
  /** `p95` of an imported percentile, else empty. */
  readonly quantile: string
  readonly unit: string
  detector: Resting
  /** Windows seen, and event time of the first and the latest, ms. */
  windows: number
  firstMs: number
  latestMs: number
  latestValue: number
  /** Episode that is open: its onset in ms (0 = none), the evidence it opened with, the evidence last told. */
  episodeMs: number
  episodeEvidence: number
  episodeTold: number
  /** Latest release seen in its windows. */
  release: string
  /** Sparse latencies that are still too few for a window, and when the first of them came, ms. */
  pending: Histogram | undefined
  pendingMs: number
}

export type Watch = {
  readonly series: Watched[]
  /** By endpoint or gauge id and metric. */
  readonly index: Map<string, Watched>
  /** Best percentile so far, by place, and how many of the lane's gauges it was chosen from. */
  readonly percentile: Map<string, number>
  gaugesSeen: number
  readonly workbench: Workbench
}

/** What an installation sets; the rest is the detector's own default. */
export type DetectorSettings = {
  readonly falseAlarmWindows?: number
  readonly minimumRelative?: number
  readonly minimumAbsoluteMs?: number
}

export type Judgement =
  | { readonly kind: 'verdict'; readonly watched: Watched; readonly verdict: Verdict; readonly atMs: number }
  /** The evidence for an open episode has grown. */
  | { readonly kind: 'evidence'; readonly watched: Watched; readonly eValue: number; readonly atMs: number }

export function createWatch(): Watch {
  return { series: [], index: new Map(), percentile: new Map(), gaugesSeen: 0, workbench: new Map() }
}

export function restoreWatched(watch: Watch, watched: Watched): void {
  watch.series.push(watched)
  watch.index.set(`${watched.ownerId}:${watched.metric}`, watched)
}

const placeKey = ({ service, environment, endpoint, method, instrument }: Place): string =>
  [service, environment, endpoint, method, instrument].join('\0')

export type Judged = {
  readonly judgements: Judgement[]
  /** Series whose detector took in something: to be saved. */
  readonly changed: Set<Watched>
}

/** Lets the detectors see what was closed, in the order of event time for each series. */
export function judge(fold: Fold, watch: Watch, settings: DetectorSettings, closed: Closed): Judged {
  const judged: Judged = { judgements: [], changed: new Set() }
  const context = { fold, watch, settings, judged }
  for (const minute of closed.minutes) judgeMinute(context, minute)
  for (const gauge of closed.gauges) judgeGauge(context, gauge)
  clearWorkbench(watch.workbench)
  return judged
}

type Context = {
  readonly fold: Fold
  readonly watch: Watch
  readonly settings: DetectorSettings
  readonly judged: Judged
}

function judgeMinute(context: Context, { endpoint, windows, atMs }: ClosedMinute): void {
  const at = atMs / 1000
  const release = windows.at(-1)?.cell.release ?? ''
  const latency = latencyOf(windows)
  if (latency !== undefined && latency.count > 0) {
    const watched = endpointSeries(context, endpoint, 'latency', 'latency', 'ms')
    const value = latency.sum / latency.count
    const enough = gather(watched, latency, atMs)
    // What is put by has to be saved like anything else.
    if (enough === undefined) context.judged.changed.add(watched)
    else look(context, watched, atMs, value, release, { kind: 'histogram', at, histogram: enough })
  }
  let total = 0
  let errors = 0
  let rate = 0
  let statusKnown = false
  for (const window of windows) {
    total += window.requests
    rate += window.rate
    if (window.cell.statusClass !== 0) statusKnown = true
    if (window.cell.statusClass === 5) errors += window.requests
  }
  if (statusKnown && total > 0) {
    const watched = endpointSeries(context, endpoint, 'error_rate', 'errors', '%')
    look(context, watched, atMs, (100 * errors) / total, release, { kind: 'ratio', at, errors, total })
  }
  const watched = endpointSeries(context, endpoint, 'throughput', 'throughput', '1/s')
  look(context, watched, atMs, rate, release, { kind: 'value', at, value: rate })
}

/** A window says something about latency from this many requests on; sparse endpoints have longer windows for it. */
const FEWEST_REQUESTS = 20
const LONGEST_WINDOW_MS = 30 * 60_000

/** The window together with what was put by for it; undefined while that is too little (performance.md 3.2). */
function gather(watched: Watched, latency: Histogram, atMs: number): Histogram | undefined {
  if (watched.pending !== undefined && atMs - watched.pendingMs >= LONGEST_WINDOW_MS) watched.pending = undefined
  if (watched.pending === undefined && latency.count >= FEWEST_REQUESTS) return latency
  if (watched.pending === undefined) {
    watched.pending = createHistogram()
    watched.pendingMs = atMs
  }
  merge(watched.pending, latency)
  if (watched.pending.count < FEWEST_REQUESTS) return undefined
  const enough = watched.pending
  watched.pending = undefined
  return enough
}

/** Latencies of the requests that were answered as asked; failures are quick or slow for reasons of their own. */
function latencyOf(windows: readonly ClosedWindow[]): Histogram | undefined {
  const measured = windows.filter(({ histogram }) => histogram !== undefined && histogram.count > 0)
  const good = measured.filter(({ cell }) => cell.statusClass <= 3)
  const used = good.length > 0 ? good : measured
  if (used.length === 0) return undefined
  if (used.length === 1) return used[0]?.histogram
  const all = createHistogram()
  for (const { histogram } of used) if (histogram !== undefined) merge(all, histogram)
  return all
}

function judgeGauge(context: Context, { gauge, window }: ClosedGauge): void {
  if (gauge.quantile > 0 && !isWatchedPercentile(context, gauge)) return
  const value = window.sum / window.readings
  const metric: Metric = gauge.kind === 'latency' ? 'latency' : gauge.kind === 'throughput' ? 'throughput' : 'gauge'
  const kind: DetectorKind = gauge.kind
  const quantile = gauge.quantile > 0 ? `p${String(Math.round(gauge.quantile * 1000) / 10).replace('.', '_')}` : ''
  const watched = seriesFor(context, gauge.id, gauge.place, { metric, kind, unit: gauge.unit, quantile })
  const at = window.atMs / 1000
  look(context, watched, window.atMs, value, '', { kind: 'value', at, value })
}

/** The percentile nearest to p95 speaks for its place; a nearer one that comes later takes over. */
function isWatchedPercentile({ fold, watch }: Context, gauge: Gauge): boolean {
  for (; watch.gaugesSeen < fold.gauges.length; watch.gaugesSeen++) {
    const { quantile = 0, place } = fold.gauges[watch.gaugesSeen] ?? gauge
    if (quantile === 0) continue
    const key = placeKey(place)
    const best = watch.percentile.get(key)
    if (best === undefined || Math.abs(quantile - 0.95) < Math.abs(best - 0.95)) watch.percentile.set(key, quantile)
  }
  return watch.percentile.get(placeKey(gauge.place)) === gauge.quantile
}

function endpointSeries(
  context: Context,
  endpoint: Endpoint,
  metric: Metric,
  kind: DetectorKind,
  unit: string,
): Watched {
  return seriesFor(context, endpoint.id, endpoint.place, { metric, kind, unit, quantile: '' })
}

type Measure = {
  readonly metric: Metric
  readonly kind: DetectorKind
  readonly unit: string
  readonly quantile: string
}

function seriesFor({ fold, watch, settings }: Context, owner: number, place: Place, measure: Measure): Watched {
  const key = `${owner}:${measure.metric}`
  const known = watch.index.get(key)
  if (known !== undefined) return known
  const watched: Watched = {
    id: nextId(fold),
    ownerId: owner,
    place,
    metric: measure.metric,
    quantile: measure.quantile,
    unit: measure.unit,
    detector: rest(createDetector(measure.kind, detectorOptions(measure.kind, settings))),
    windows: 0,
    firstMs: 0,
    latestMs: 0,
    latestValue: 0,
    episodeMs: 0,
    episodeEvidence: 0,
    episodeTold: 0,
    release: '',
    pending: undefined,
    pendingMs: 0,
  }
  watch.series.push(watched)
  watch.index.set(key, watched)
  return watched
}

/** Makes the present regime the reference: the detector begins anew and learns it. Returns the series if there is one. */
export function acceptRegime(watch: Watch, seriesId: number, settings: DetectorSettings): Watched | undefined {
  const watched = watch.series.find(({ id }) => id === seriesId)
  if (watched === undefined) return undefined
  const { kind } = watched.detector
  watched.detector = rest(createDetector(kind, detectorOptions(kind, settings)))
  return watched
}

export function detectorOptions(kind: DetectorKind, settings: DetectorSettings) {
  const { minimumAbsoluteMs, ...common } = settings
  return kind === 'latency' && minimumAbsoluteMs !== undefined
    ? { ...common, minimumAbsolute: minimumAbsoluteMs }
    : common
}

function look(
  { judged, watch }: Context,
  watched: Watched,
  atMs: number,
  value: number,
  release: string,
  observation: Observation,
): void {
  const detector = takeUp(watch.workbench, watched.detector)
  watched.windows++
  if (watched.firstMs === 0) watched.firstMs = atMs
  watched.latestMs = Math.max(watched.latestMs, atMs)
  watched.latestValue = value
  if (release !== '' && release !== watched.release) {
    if (watched.release !== '') noteRelease(detector, atMs / 1000, release)
    watched.release = release
  }
  judged.changed.add(watched)
  const verdict = observe(detector, observation)
  if (verdict !== undefined) judged.judgements.push({ kind: 'verdict', watched, verdict, atMs })
  else if (watched.episodeMs !== 0) noteEvidence(judged, watched, detector, atMs)
}

/** Growth of the evidence that is worth telling, and where it is beyond doubt for any number of series. */
const TELL_GROWTH = 4
const BEYOND_DOUBT = 1e9

/** A detector begins its evidence anew when an episode opens: what it opened with is multiplied by what came since. */
function noteEvidence(judged: Judged, watched: Watched, detector: Detector, atMs: number): void {
  if (watched.episodeTold >= BEYOND_DOUBT) return
  const since = evidenceSinceOpening(detector, watched.episodeEvidence)
  const eValue = watched.episodeEvidence * Math.max(1, since)
  if (eValue < watched.episodeTold * TELL_GROWTH) return
  watched.episodeTold = eValue
  judged.judgements.push({ kind: 'evidence', watched, eValue, atMs })
}

/** A release of a service: its series are compared with what they were before. Returns those it concerns. */
export function noteServiceRelease(
  watch: Watch,
  { service, environment, release, atMs }: { service: string; environment: string; release: string; atMs: number },
): Watched[] {
  const concerned = watch.series.filter(({ place }) => place.service === service && place.environment === environment)
  for (const { detector } of concerned) noteRelease(takeUp(watch.workbench, detector), atMs / 1000, release)
  clearWorkbench(watch.workbench)
  return concerned
}
