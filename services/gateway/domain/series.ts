import { type Hash64, hash64 } from './hash.ts'

/** Kinds of series on the wire (MetricBatch.seriesKind). */
export const seriesKind = {
  gauge: 0,
  cumulativeCounter: 1,
  deltaCounter: 2,
  cumulativeHistogram: 3,
  deltaHistogram: 4,
  unknown: 5,
} as const

export type SeriesKind = (typeof seriesKind)[keyof typeof seriesKind]

export type Label = readonly [name: string, value: string]

/** Why a set of labels is no series. One of a fixed set, so that refusals can be counted by it. */
export type LabelRefusal = 'missing-metric-name' | 'empty-label-name' | 'duplicate-label'

export type Series = {
  readonly name: string
  /** Sorted by name, without the metric name, without empty values (an empty value means: no such label). */
  readonly labels: readonly Label[]
}

/**
 * Labels as a sender gave them -> the series they name. Senders must sort and often do not, so order is not refused.
 * @example canonicalSeries([['job', 'api'], ['__name__', 'up']]) // { name: 'up', labels: [['job', 'api']] }
 */
export function canonicalSeries(given: readonly Label[]): Series | LabelRefusal {
  let name = ''
  let named = false
  const labels: Label[] = []
  for (const label of given) {
    if (label[0] === '') return 'empty-label-name'
    if (label[0] === '__name__') {
      if (named) return 'duplicate-label'
      named = true
      name = label[1]
    } else labels.push(label)
  }
  if (name === '') return 'missing-metric-name'
  labels.sort(byName)
  for (let i = 1; i < labels.length; i++) {
    if (labels[i - 1]?.[0] === labels[i]?.[0]) return 'duplicate-label'
  }
  return { name, labels: labels.filter((label) => label[1] !== '') }
}

/** By UTF-16 code units: the order of MetricBatch.labelRefs. */
function byName(a: Label, b: Label): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}

/**
 * Identity of a series (MetricBatch.seriesId): hash of kind, name and labels. The separators never occur in UTF-8, so
 * two different series have different bytes.
 */
export function seriesId(series: Series, kind: SeriesKind): Hash64 {
  const parts: (Uint8Array | readonly number[])[] = [[kind], utf8.encode(series.name), [0xff]]
  for (const [name, value] of series.labels) parts.push(utf8.encode(name), [0xfe], utf8.encode(value), [0xff])
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return hash64(bytes)
}

const utf8 = new TextEncoder()

/**
 * Kind of a series whose sender stated none, from the suffixes OpenMetrics reserves for counters. `_bucket`, `_sum` and
 * `_count` are the parts of a classic histogram: each is a cumulative counter of its own.
 */
export function kindBySuffix(name: string): SeriesKind {
  return /_(total|bucket|sum|count)$/.test(name) ? seriesKind.cumulativeCounter : seriesKind.unknown
}

/** Prometheus metadata types by their number in both protobuf schemas (1.0 `MetricMetadata`, 2.0 `Metadata`). */
const metadataKinds = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
] as const

/** Kind of a float series of a metric of this metadata type: 2.0 states the type with every series. */
export function kindByMetadata(metadataType: number, name: string): SeriesKind {
  switch (metadataKinds[metadataType]) {
    case 'counter':
      return seriesKind.cumulativeCounter
    case 'histogram':
    case 'summary':
      return /_(bucket|sum|count)$/.test(name) ? seriesKind.cumulativeCounter : seriesKind.gauge
    case 'gauge':
    case 'gaugehistogram':
    case 'info':
    case 'stateset':
      return seriesKind.gauge
    default:
      return kindBySuffix(name)
  }
}
