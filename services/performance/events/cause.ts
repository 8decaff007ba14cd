/** Stage 2: signals of all lanes -> one regression per cause, with a bounded share of false ones. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { OutgoingEvent, Ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { Metrics } from '@plimsoll/kit/telemetry/metrics.ts'
import type { PerformanceConfig } from '../config.ts'
import type { SizeGate } from '../domain/costshift.ts'
import { createDetector } from '../domain/detector.ts'
import { type Dependencies, dependenciesOf, dependsOn, groupAlarm, SAME_CAUSE_MS } from '../domain/grouping.ts'
import { subjectOf } from '../domain/meaning.ts'
import { confirm, costOf, stateOf } from '../domain/regression.ts'
import { type Alarm, withDistributions } from '../store/distributions.ts'
import { allEdges } from '../store/edges.ts'
import {
  deploymentsAround,
  episodeOf,
  episodesOf,
  markTaken,
  moveEpisodes,
  openEvidence,
  type RegressionRow,
  regressionById,
  type SignalWithSeries,
  saveEpisode,
  saveRegression,
  seriesName,
  toldAround,
  waitingSignals,
} from '../store/regressions.ts'
import { openWithheld, withhold } from '../store/withheld.ts'

/** Signals taken in at one tick; the rest come at the next. */
const AT_ONCE = 200
const EDGES_FOR_MS = 10_000
/** How often withheld alarms are looked at again. */
const WITHHELD_FOR_MS = 10_000

type CauseState = { dependencies: Dependencies; edgesReadMs: number; withheldReadMs: number }

/** `countWithheld` is told of each alarm that becomes no regression. */
export function causeTicker(config: PerformanceConfig, countWithheld: () => void): Ticker<CauseState> {
  const gate = sizeGate(config)
  return {
    name: 'cause',
    version: 1,
    lanes: 1,
    everyMs: 250,
    load: async () => ({ dependencies: new Map(), edgesReadMs: 0, withheldReadMs: 0 }),
    async tick(state, tx, { now }) {
      const waiting = await waitingSignals(tx, AT_ONCE)
      const again = now() - state.withheldReadMs > WITHHELD_FOR_MS ? await openWithheld(tx) : undefined
      if (again !== undefined) state.withheldReadMs = now()
      const signals = [...waiting, ...(again ?? [])]
      if (signals.length === 0) return {}
      if (now() - state.edgesReadMs > EDGES_FOR_MS) {
        state.dependencies = dependenciesOf(await allEdges(tx))
        state.edgesReadMs = now()
      }
      const events: OutgoingEvent[] = []
      for (const signal of signals) {
        const alarm = opens(signal) ? await withDistributions(tx, signal, gate) : undefined
        // What was told stays told.
        if (alarm !== undefined && isWithheld(alarm) && (await episodeOf(tx, signal.episode_id)) === undefined) {
          if (signal.withheld_at === null) countWithheld()
          await withhold(tx, alarm.signal)
        } else {
          const told = alarm?.signal ?? signal
          events.push(...(await take(tx, told, state.dependencies, config.PERFORMANCE_FDR)))
        }
      }
      await markTaken(
        tx,
        waiting.map(({ id }) => id),
      )
      return { events }
    },
  }
}

/** Once withheld, an alarm is raised only when its endpoint is shown to be slower: the mix may have become the usual one. */
function isWithheld({ signal, cause }: Alarm): boolean {
  return signal.withheld_at === null ? cause === 'mix' : cause !== 'endpoint'
}

/** Counts alarms that became no regression. */
export function withheldCounter(metrics: Metrics): () => void {
  const withheld = metrics.counter(
    'plimsoll_performance_alarms_withheld_total',
    'Alarms of latency that became no regression, because only the mix of requests had changed.',
  )
  return () => withheld.inc()
}

/** The size that stage 1 asks of an alarm, asked of what is left of it without the mix. */
function sizeGate(config: PerformanceConfig): SizeGate {
  const { minimumRelative, minimumAbsolute } = createDetector('latency').options
  return {
    minimumRelative: config.PERFORMANCE_MIN_RELATIVE ?? minimumRelative,
    minimumAbsolute: config.PERFORMANCE_MIN_ABSOLUTE_MS ?? minimumAbsolute,
  }
}

const opens = ({ state }: SignalWithSeries): boolean => state === 'suspected' || state === 'confirmed'

/** Takes in one signal; returns what is to be told. */
async function take(
  tx: WorkerTransaction,
  signal: SignalWithSeries,
  dependencies: Dependencies,
  rate: number,
): Promise<OutgoingEvent[]> {
  const known = await episodeOf(tx, signal.episode_id)
  const events: OutgoingEvent[] = []
  if (signal.state === 'evidence' && known === undefined) return []
  let regression = known && (await regressionById(tx, known.regression_id))
  if (regression === undefined) {
    if (!opens(signal)) return []
    const alarm = { environment: signal.environment, subject: subjectOf(signal), onsetMs: signal.onset_at.getTime() }
    const grouping = groupAlarm(alarm, await toldAround(tx, alarm.onsetMs, SAME_CAUSE_MS), dependencies)
    switch (grouping.kind) {
      case 'new':
        regression = newRegression(signal)
        break
      case 'join':
        regression = await regressionById(tx, grouping.regressionId)
        break
      case 'cause': {
        const about = await regressionById(tx, grouping.regressionId)
        regression = about && retold(about, signal)
        await moveEpisodes(tx, grouping.explained, grouping.regressionId)
        for (const id of grouping.explained) {
          const explained = await regressionById(tx, id)
          if (explained !== undefined) events.push(await explain(tx, explained, signal))
        }
      }
    }
    if (regression === undefined) return events
    // Its row must be there before an episode can name it.
    await saveRegression(tx, regression)
  }
  await saveEpisode(tx, signal, regression.id)
  const event = await update(tx, regression, signal, { dependencies, rate })
  if (event !== undefined) events.push(event)
  return events
}

function newRegression(signal: SignalWithSeries): RegressionRow {
  return {
    ...aboutSignal(signal),
    id: signal.episode_id,
    state: 'suspected',
    detected_at: signal.at,
    confirmed_at: null,
    resolved_at: null,
    symptoms: [],
    suspects: [],
    accepted_by: null,
    accepted_at: null,
    accept_note: null,
  }
}

/** What a regression takes over from the signal it is told by. */
function aboutSignal(signal: SignalWithSeries) {
  const { metric, before_value, after_value, before_histogram, after_histogram, rate } = signal
  return {
    episode_id: signal.episode_id,
    series_id: signal.series_id,
    service: signal.service,
    environment: signal.environment,
    endpoint: signal.endpoint,
    method: signal.method,
    release: signal.release,
    metric,
    unit: signal.unit,
    direction: signal.direction,
    detector: signal.detector,
    onset_at: signal.onset_at,
    before: signal.before,
    after: signal.after,
    before_histogram,
    after_histogram,
    before_value,
    after_value,
    auc: signal.auc,
    e_value: signal.e_value,
    cost: costOf({
      metric,
      beforeValue: before_value,
      afterValue: after_value,
      beforeHistogram: before_histogram,
      afterHistogram: after_histogram,
      rate,
    }),
    reason: signal.reason,
  }
}

function retold(about: RegressionRow, signal: SignalWithSeries): RegressionRow {
  return { ...about, ...aboutSignal(signal) }
}

/** A regression that turned out to be a symptom of another ends here. */
async function explain(tx: WorkerTransaction, row: RegressionRow, signal: SignalWithSeries): Promise<OutgoingEvent> {
  const ended: RegressionRow = {
    ...row,
    state: 'resolved',
    resolved_at: signal.at,
    reason: `Explained by ${seriesName(signal)}, on which it depends.`,
  }
  await saveRegression(tx, ended)
  return resolvedEvent(ended)
}

/** Brings a regression up to its episodes; tells only what changed for its readers. */
async function update(
  tx: WorkerTransaction,
  before: RegressionRow,
  signal: SignalWithSeries,
  { dependencies, rate }: { readonly dependencies: Dependencies; readonly rate: number },
): Promise<OutgoingEvent | undefined> {
  const episodes = await episodesOf(tx, before.id)
  const evidence = await openEvidence(tx)
  const own = confirm(before.episode_id, evidence.episodes, evidence.seriesCount, rate)
  const hasConfirmed = episodes.some(({ state }) => state === 'confirmed')
  const confirmed = before.state === 'confirmed' || (hasConfirmed && own.confirmed)
  const isSubject = signal.episode_id === before.episode_id
  const told = isSubject && opens(signal) ? { ...before, ...aboutSignal(signal) } : before
  const state = stateOf(
    episodes.map((episode) => episode.state),
    confirmed,
  )
  const ended = state === 'resolved' || state === 'accepted'
  const after: RegressionRow = {
    ...told,
    state,
    symptoms: episodes.filter(({ episodeId }) => episodeId !== told.episode_id).map(({ name }) => name),
    suspects: await suspectsOf(tx, told, dependencies),
    confirmed_at: confirmed ? (before.confirmed_at ?? signal.at) : null,
    resolved_at: ended ? signal.at : null,
    e_value: isSubject ? Math.max(told.e_value, signal.e_value) : told.e_value,
  }
  await saveRegression(tx, after)
  if (state === 'resolved') {
    return resolvedEvent({ ...after, reason: signal.reason, ...(isSubject && { after_value: signal.after_value }) })
  }
  const changed = state !== before.state || opens(signal) || after.symptoms.length !== before.symptoms.length
  return changed ? detectedEvent(after, signal.at.getTime(), own.budget) : undefined
}

async function suspectsOf(tx: WorkerTransaction, row: RegressionRow, dependencies: Dependencies): Promise<string[]> {
  const subject = subjectOf(row)
  const concerned = new Set([subject, row.service])
  for (const callee of dependencies.keys()) if (dependsOn(dependencies, subject, callee)) concerned.add(callee)
  const deployments = await deploymentsAround(tx, [...concerned], row.onset_at.getTime())
  return deployments.map(
    ({ service, release, atMs }) => `deployment of ${service} ${release} at ${new Date(atMs).toISOString()}`,
  )
}

function identity(row: RegressionRow) {
  const { service, endpoint, method, environment, release, metric, unit } = row
  return { regressionId: row.id, service, endpoint, method, environment, release, metric, unit }
}

function detectedEvent(row: RegressionRow, timeMs: number, budget: number): OutgoingEvent {
  return {
    type: 'plimsoll.performance.v1.RegressionDetected',
    key: row.id,
    time: timeMs,
    value: {
      ...identity(row),
      state: row.state === 'resolved' ? 'confirmed' : row.state,
      direction: row.direction,
      detector: row.detector,
      onsetAt: row.onset_at.getTime(),
      detectedAt: row.detected_at.getTime(),
      before: { ...row.before, histogram: row.before_histogram },
      after: { ...row.after, histogram: row.after_histogram },
      beforeValue: row.before_value,
      afterValue: row.after_value,
      auc: row.auc,
      eValue: row.e_value,
      falseAlarmBudget: budget,
      cost: row.cost,
      symptoms: row.symptoms,
      suspects: row.suspects,
      reason: row.reason,
    },
  }
}

function resolvedEvent(row: RegressionRow): OutgoingEvent {
  const { unit, ...who } = identity(row)
  const resolvedAt = (row.resolved_at ?? row.onset_at).getTime()
  return {
    type: 'plimsoll.performance.v1.RegressionResolved',
    key: row.id,
    time: resolvedAt,
    value: {
      ...who,
      unit,
      onsetAt: row.onset_at.getTime(),
      resolvedAt,
      beforeValue: row.before_value,
      afterValue: row.after_value,
      reason: row.reason,
    },
  }
}
