import type { Clock } from '@plimsoll/kit/clock.ts'
import { traceHeaders } from '@plimsoll/kit/telemetry/propagation.ts'
import { createLaneBatcher, type Intake } from './lanes.ts'
import type { MetricColumns } from './metriccolumns.ts'
import { fillMetricBatches, metricWeight, openMetricBatch } from './metricintake.ts'
import { createPerSource } from './persource.ts'
import type { BatchPublisher } from './publisher.ts'
import { createSeriesRegistry, type SeriesRegistry } from './registry.ts'
import type { SpanColumns } from './spancolumns.ts'
import { fillSpanBatches, openSpanBatch, spansWeight } from './spanintake.ts'

export type BatchLimits = {
  /** Series one source may have at a time; those beyond it are refused and counted. */
  readonly maxSeriesPerSource: number
  /** A shared batch waits at most this long for company, ms. */
  readonly lingerMs: number
  /** Largest message, bytes; the broker's own limit is 1 MiB unless configured. */
  readonly maxMessageBytes: number
}

/** Series and open batches of one source. */
export type SourceBatches = {
  readonly registry: SeriesRegistry
  /** Resolves when all of it is acknowledged by the broker. */
  storeMetrics(intake: Omit<Intake, 'weight'>, columns: MetricColumns): Promise<void>
  storeSpans(intake: Omit<Intake, 'weight'>, columns: SpanColumns): Promise<void>
  flush(): void
}

export type AllSourceBatches = {
  /** Ask again for every request: they are renewed when the registry is full or an hour old, and forgotten with a quiet source. */
  of(source: string): SourceBatches
  flush(): void
  seriesCount(): number
}

/** Strings and keys of one source may take this much before everything is forgotten and seen afresh. */
const MAX_REGISTRY_BYTES = 512 * 1024 * 1024
/** Series that are no longer sent free their budget after this long, ms. */
const REGISTRY_AGE_MS = 3_600_000
/** Traces bring strings that never repeat (statements with literals, ids in names): those are forgotten early. */
const MAX_SPAN_TEXT_BYTES = 32 * 1024 * 1024

export function createAllSourceBatches(
  { publish, lanes }: Pick<BatchPublisher, 'publish' | 'lanes'>,
  clock: Clock,
  limits: BatchLimits,
): AllSourceBatches {
  const sources = createPerSource(clock, make, isWorn)

  function make(source: string): SourceBatches & { readonly bornMs: number } {
    const registry = createSeriesRegistry(source, limits.maxSeriesPerSource, lanes)
    const shared = {
      source,
      lanes,
      publish,
      headers: traceHeaders,
      lingerMs: limits.lingerMs,
      maxBytes: limits.maxMessageBytes,
    }
    const metrics = createLaneBatcher({
      ...shared,
      type: 'plimsoll.telemetry.v1.MetricBatch',
      open: () => openMetricBatch(registry, clock.now),
    })
    const spans = createLaneBatcher({
      ...shared,
      type: 'plimsoll.telemetry.v1.SpanBatch',
      open: () => openSpanBatch(source, registry.texts, clock.now),
    })
    return {
      registry,
      bornMs: clock.now(),
      storeMetrics: (intake, columns) =>
        metrics.take({ ...intake, weight: metricWeight(registry, columns) }, (batchFor) =>
          fillMetricBatches(registry, columns, batchFor),
        ),
      storeSpans: (intake, columns) =>
        spans.take({ ...intake, weight: spansWeight(registry.texts, columns, lanes) }, (batchFor) =>
          fillSpanBatches(registry.texts, columns, batchFor),
        ),
      flush() {
        metrics.flush()
        spans.flush()
      },
    }
  }

  function isWorn({ registry, bornMs }: SourceBatches & { readonly bornMs: number }): boolean {
    if (registry.bytes > MAX_REGISTRY_BYTES || clock.now() - bornMs > REGISTRY_AGE_MS) return true
    return registry.seriesCount === 0 && registry.texts.table.bytes > MAX_SPAN_TEXT_BYTES
  }

  return {
    of: sources.of,
    flush() {
      for (const batches of sources.all()) batches.flush()
    },
    seriesCount() {
      let count = 0
      for (const { registry } of sources.all()) count += registry.seriesCount
      return count
    },
  }
}
