/** Stage 1: METRIC -> windows, baselines and signals, lane by lane. */

import { createArena } from '@plimsoll/contracts/arena.ts'
import { METRIC_TYPE, metricBatchView } from '@plimsoll/contracts/metric-batch.ts'
import { SPAN_TYPE, spanBatchView } from '@plimsoll/contracts/span-batch.ts'
import type { Processor } from '@plimsoll/kit/lanes/processor.ts'
import type { PerformanceConfig } from '../config.ts'
import { MINUTE_MS } from '../domain/endpoint.ts'
import type { Fold } from '../domain/fold.ts'
import type { Lane } from '../domain/lane.ts'
import { acceptedSignal, signalOf } from '../domain/signal.ts'
import type { SpanLink } from '../domain/spans.ts'
import { acceptRegime, judge } from '../domain/watch.ts'
import { type Closed, closeIdle, closeTouched, type Lateness } from '../domain/windows.ts'
import { saveSpanLinks } from '../store/edges.ts'
import { loadLane, saveLane } from '../store/lane.ts'
import { takeAcceptances } from '../store/regressions.ts'
import { markDue } from '../store/rollup.ts'
import { saveSignals } from '../store/signals.ts'
import { saveCorrections, saveWindows, windowRows } from '../store/windows.ts'
import { foldMetricBatch } from './metric-batch.ts'
import { foldSpanBatch } from './span-batch.ts'

/** Silent endpoints are looked after this often, by the gateway's clock. */
const IDLE_CHECK_MS = 5_000

export function regressionProcessor(config: PerformanceConfig, count: (fold: Fold) => void): Processor<Lane> {
  const limits = { endpointsPerService: config.PERFORMANCE_ENDPOINTS_PER_SERVICE }
  const lateness: Lateness = {
    allowedMs: config.PERFORMANCE_LATENESS_SECONDS * 1000,
    idleMs: config.PERFORMANCE_IDLE_SECONDS * 1000,
  }
  const settings = {
    minimumRelative: config.PERFORMANCE_MIN_RELATIVE,
    minimumAbsoluteMs: config.PERFORMANCE_MIN_ABSOLUTE_MS,
    falseAlarmSeconds: config.PERFORMANCE_FALSE_ALARM_DAYS * 86_400,
  }
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
      const signals = judged.judgements.flatMap((judgement) => signalOf(watch, judgement) ?? [])
      const corrections = [...fold.corrections.values()]
      fold.corrections.clear()
      count(fold)
      return {
        async write(tx) {
          for (const seriesId of await takeAcceptances(tx, fold.lane)) {
            const watched = acceptRegime(watch, seriesId, settings)
            if (watched === undefined) continue
            judged.changed.add(watched)
            signals.push(...[acceptedSignal(watched, fold.latestMs)].filter((signal) => signal !== undefined))
          }
          await saveLane(tx, lane, judged.changed)
          const rows = windowRows(closed)
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

function append(to: Closed, from: Closed): void {
  to.minutes.push(...from.minutes)
  to.gauges.push(...from.gauges)
}
