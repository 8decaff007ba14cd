import { createHash } from 'node:crypto'
import { laneOfSubject } from '@plimsoll/contracts/subjects.ts'
import type { Clock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { partKey, partOfMessageId } from '../batch/lanes.ts'
import { clearMetricColumns, createMetricColumns, type MetricColumns } from '../batch/metriccolumns.ts'
import type { BatchPublisher } from '../batch/publisher.ts'
import type { SeriesRegistry } from '../batch/registry.ts'
import { createAllSourceBatches } from '../batch/sourcebatches.ts'
import type { Span } from './domain/span.ts'

/** Parts of a stretch that are in the log already, by request id. */
export type StoredParts = ReadonlyMap<string, ReadonlySet<string>>

/** From decoded answers to acknowledged batches: the same batches remote write makes. */
export type PullIntake = {
  /** Stores what `fill` appends; resolves when it is durable. */
  take(
    name: string,
    span: Span,
    stored: StoredParts,
    fill: (registry: SeriesRegistry, columns: MetricColumns) => void,
  ): Promise<void>
}

const nothingStored: ReadonlySet<string> = new Set()

export function createPullIntake(
  source: string,
  maxSeries: number,
  publisher: BatchPublisher,
  clock: Clock,
): PullIntake {
  const columns = createMetricColumns()
  const limits = { maxSeriesPerSource: maxSeries, lingerMs: 0, maxMessageBytes: 768 * 1024 }
  const batches = createAllSourceBatches(publisher.publish, clock, limits)
  return {
    async take(name, span, stored, fill) {
      const { registry, storeMetrics } = batches.of(source)
      clearMetricColumns(columns)
      fill(registry, columns)
      if (columns.samples + columns.histograms === 0) return
      const requestId = pullRequestId(source, name, span)
      await storeMetrics({ requestId, stored: stored.get(requestId) ?? nothingStored }, columns)
    },
  }
}

/** A metric's stretch is one request: reading it again makes the same messages. */
function pullRequestId(source: string, name: string, { fromMs, untilMs, stepMs }: Span): string {
  const hash = createHash('sha256').update(['pull', source, name, fromMs, untilMs, stepMs].join('\u0000'))
  return hash.digest('hex').slice(0, 32)
}

/** Clocks of broker and database may differ; reading a little more of the headers costs nothing. */
const clockSlackMs = 120_000

/** What a predecessor published of a stretch before it ended: the log itself knows, however long ago that was. */
export async function readStoredParts(log: EventLog, source: string, begunAtMs: number): Promise<StoredParts> {
  const stored = new Map<string, Set<string>>()
  const sinceMs = begunAtMs - clockSlackMs
  for await (const { id, subject, headers } of log.readHeaders({ stream: 'METRIC', filter: 'metric.>', sinceMs })) {
    if (headers['Plimsoll-Source'] !== source) continue
    const own = partOfMessageId(id)
    const part = own === undefined ? partKey(laneOfSubject(subject), 0) : partKey(own.lane, own.part)
    for (const request of (headers['Plimsoll-Requests'] ?? '').split(',')) {
      const parts = stored.get(request)
      if (parts === undefined) stored.set(request, new Set([part]))
      else parts.add(part)
    }
  }
  return stored
}
