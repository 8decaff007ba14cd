/** Stage 1: METRIC -> windows, baselines and signals, lane by lane. */

import { createArena } from '@plimsoll/contracts/arena.ts'
import { METRIC_TYPE, metricBatchView } from '@plimsoll/contracts/metric-batch.ts'
import { SPAN_TYPE, spanBatchView } from '@plimsoll/contracts/span-batch.ts'
import type { Processor } from '@plimsoll/kit/lanes/processor.ts'
import type { PerformanceConfig } from '../config.ts'
import { MINUTE_MS } from '../domain/endpoint.ts'
import { forget } from '../domain/forget.ts'
import type { Lane } from '../domain/lane.ts'
import { acceptedSignal, signalOf } from '../domain/signal.ts'
import type { SpanLink } from '../domain/spans.ts'
import { acceptRegime, type DetectorSettings, judge, noteServiceRelease } from '../domain/watch.ts'
import { type Closed, closeIdle, closeTouched, type Lateness } from '../domain/windows.ts'
import { saveSpanLinks } from '../store/edges.ts'
import { loadLane, saveLane } from '../store/lane.ts'
import { type Notice, takeNotices } from '../store/notices.ts'
import { markDue } from '../store/rollup.ts'
import { saveSignals } from '../store/signals.ts'
import { saveCorrections, saveWindows, windowRows } from '../store/windows.ts'
import type { LaneCounter } from './fold-metrics.ts'
import { foldMetricBatch } from './metric-batch.ts'
import { foldSpanBatch } from './span-batch.ts'

/** Silent endpoints are looked after this often, by the gateway's clock. */
const IDLE_CHECK_MS = 5_000

export function regressionProcessor(config: PerformanceConfig, count: LaneCounter): Processor<Lane> {
  const limits = { endpointsPerService: config.PERFORMANCE_ENDPOINTS_PER_SERVICE }
  const lateness: Lateness = {
    allowedMs: config.PERFORMANCE_LATENESS_SECONDS * 1000,
    idleMs: config.PERFORMANCE_IDLE_SECONDS * 1000,
  }
  const settings = detectorSettings(config)
  // A view lives until the next one; the fold copies what it keeps.
  const arena = createArena()
  return {
    name: 'regression',
    version: 1,
    stream: 'METRIC',
    types: [METRIC_TYPE, SPAN_TYPE],
    onPoison: 'skip',
    load: (tx, { lane }) => loadLane(tx, lane, limits),
    handle(lane, batch, { now }) {
      const { fold, watch } = lane
      const links: SpanLink[] = []
      for (const message of batch) {
        if (message.type === METRIC_TYPE) foldMetricBatch(fold, metricBatchView(message.data, arena))
        else links.push(...foldSpanBatch(fold, spanBatchView(message.data, arena)))
      }
      const closed = closeTouched(fold, lateness)
      if (fold.receivedAtMs - lane.idleCheckedMs >= IDLE_CHECK_MS) {
        lane.idleCheckedMs = fold.receivedAtMs
        append(closed, closeIdle(fold, lateness, fold.receivedAtMs))
      }
      const judged = judge(fold, watch, settings, closed)
      // Now and not when they are written: what waits for its transaction is a fifth as large.
      const rows = windowRows(closed)
      const signals = judged.judgements.flatMap((judgement) => signalOf(watch, judgement) ?? [])
      const corrections = [...fold.corrections.values()]
      fold.corrections.clear()
      const heed = (notice: Notice): void => {
        if (notice.kind === 'released') {
          for (const watched of noteServiceRelease(watch, notice)) judged.changed.add(watched)
          return
        }
        const watched = acceptRegime(watch, notice.seriesId, settings)
        if (watched === undefined) return
        judged.changed.add(watched)
        const signal = acceptedSignal(watched, fold.latestMs)
        if (signal !== undefined) signals.push(signal)
      }
      const forgotten = forget(lane)
      if (forgotten !== undefined) signals.push(...forgotten.signals)
      count(lane, forgotten)
      return {
        async write(tx) {
          for (const notice of await takeNotices(tx, fold.lane)) heed(notice)
          await saveLane(tx, lane, judged.changed)
          await saveWindows(tx, 'perf_window', rows)
          await saveCorrections(tx, corrections)
          await markDue(tx, [
            ...rows.map(({ startMs }) => startMs),
            ...corrections.map(({ window }) => window.minute * MINUTE_MS),
          ])
          await saveSignals(tx, fold.lane, signals)
          await saveSpanLinks(tx, links, now())
        },
      }
    },
  }
}

/** Only what the installation sets. */
function detectorSettings(config: PerformanceConfig): DetectorSettings {
  const relative = config.PERFORMANCE_MIN_RELATIVE
  const absolute = config.PERFORMANCE_MIN_ABSOLUTE_MS
  const windows = config.PERFORMANCE_FALSE_ALARM_WINDOWS
  return {
    ...(relative !== undefined && { minimumRelative: relative }),
    ...(absolute !== undefined && { minimumAbsoluteMs: absolute }),
    ...(windows !== undefined && { falseAlarmWindows: windows }),
  }
}

function append(to: Closed, from: Closed): void {
  to.minutes.push(...from.minutes)
  to.gauges.push(...from.gauges)
}
