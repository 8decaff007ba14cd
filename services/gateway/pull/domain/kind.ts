import { SERIES_KIND, type SeriesKind } from '@plimsoll/contracts/metric-batch.ts'
import { kindByMetadata, kindBySuffix } from '../../domain/series.ts'

export type MetricMetadata = { readonly type: string; readonly unit: string }

/** By name of the metric family, as `/api/v1/metadata` gives it. */
export type Metadata = ReadonlyMap<string, MetricMetadata>

// Positions in Prometheus' enumeration of types, which `kindByMetadata` takes.
const types = ['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset']

/** Metadata is kept by family: that of `x_bucket` is under `x`, and OpenMetrics files `x_total` under `x`. */
export const metadataOf = (name: string, metadata: Metadata): MetricMetadata | undefined =>
  metadata.get(name) ?? metadata.get(name.replace(/_(bucket|sum|count|total)$/, ''))

export function kindOf(name: string, metadata: Metadata, hasHistograms: boolean): SeriesKind {
  if (hasHistograms) return SERIES_KIND.cumulativeHistogram
  const known = metadataOf(name, metadata)
  return known === undefined ? kindBySuffix(name) : kindByMetadata(Math.max(0, types.indexOf(known.type)), name)
}
