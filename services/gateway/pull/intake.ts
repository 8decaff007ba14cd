import { randomBytes } from 'node:crypto'
import { metricBatchView } from '@plimsoll/contracts/metric-batch.ts'
import type { Clock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { clearMetricColumns, createMetricColumns, type MetricColumns } from '../batch/metriccolumns.ts'
import type { BatchPublisher } from '../batch/publisher.ts'
import type { SeriesRegistry } from '../batch/registry.ts'
import { type BatchLimits, createAllSourceBatches } from '../batch/sourcebatches.ts'
import { appendByTime } from './bytime.ts'
import type { Span } from './domain/span.ts'

/** From decoded answers to acknowledged batches, the same that remote write makes. One stretch at a time. */
export type PullIntake = {
  /** Empties the columns; they are filled until `store` is called. */
  open(): {
    readonly registry: SeriesRegistry
    readonly columns: MetricColumns
    /** Stores what was filled in and is not in `stored`, in order of time; resolves when it is durable. */
    store(span: Span, stored: StoredPoints): Promise<void>
  }
}

/** Points of a stretch that the log has already. */
export type StoredPoints = {
  has(idLow: number, idHigh: number, timeMs: number): boolean
}

export const nothingStored: StoredPoints = { has: () => false }

const noParts: ReadonlySet<string> = new Set()

export function createPullIntake(
  source: string,
  limits: Omit<BatchLimits, 'lingerMs'>,
  publisher: BatchPublisher,
  clock: Clock,
): PullIntake {
  const filled = createMetricColumns()
  const ordered = createMetricColumns()
  const batches = createAllSourceBatches(publisher, clock, { ...limits, lingerMs: 0 })
  return {
    open() {
      const { registry, storeMetrics } = batches.of(source)
      clearMetricColumns(filled)
      return {
        registry,
        columns: filled,
        async store(span, stored) {
          clearMetricColumns(ordered)
          const { columns } = registry
          appendByTime(ordered, filled, span, (series, timeMs) =>
            stored.has(columns.idLow[series] ?? 0, columns.idHigh[series] ?? 0, timeMs),
          )
          if (ordered.samples + ordered.histograms === 0) return
          // Of this attempt alone: a second one leaves out points, and the broker must not take its messages for repeats.
          const requestId = randomBytes(16).toString('hex')
          await storeMetrics({ requestId, stored: noParts }, ordered)
        },
      }
    },
  }
}

/** Clocks of broker and database may differ; reading a little more of the headers costs nothing. */
const clockSlackMs = 120_000

/**
 * What a predecessor published of a stretch before it ended, point by point: the log itself knows, however long ago
 * that was and whatever the server answers to the same queries now.
 */
export async function readStoredPoints(log: EventLog, source: string, begunAtMs: number): Promise<StoredPoints> {
  const times = new Map<string, Set<number>>()
  const sinceMs = begunAtMs - clockSlackMs
  for await (const { seq, headers } of log.readHeaders({ stream: 'METRIC', filter: 'metric.>', sinceMs })) {
    if (headers['Plimsoll-Source'] !== source) continue
    const message = await log.get('METRIC', seq)
    if (message !== undefined) addPoints(times, message.data)
  }
  return { has: (idLow, idHigh, timeMs) => times.get(`${idLow}:${idHigh}`)?.has(timeMs) ?? false }
}

function addPoints(times: Map<string, Set<number>>, data: Uint8Array): void {
  const batch = metricBatchView(data)
  const timesOf = Array.from({ length: batch.seriesRows }, (_, row) => {
    const key = `${batch.seriesId[2 * row]}:${batch.seriesId[2 * row + 1]}`
    const known = times.get(key) ?? new Set()
    times.set(key, known)
    return known
  })
  for (let i = 0; i < batch.sampleRows; i++) timesOf[batch.sampleSeries[i] ?? 0]?.add(batch.sampleTime[i] ?? 0)
  for (let i = 0; i < batch.histogramRows; i++) timesOf[batch.histogramSeries[i] ?? 0]?.add(batch.histogramTime[i] ?? 0)
}
