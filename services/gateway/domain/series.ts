import { SERIES_KIND, type SeriesKind } from '@plimsoll/contracts/metric-batch.ts'
import { type Hash64, hash64 } from './hash.ts'

export type Label = readonly [name: string, value: string]

/** Why a set of labels is no series. One of a fixed set, so that refusals can be counted by it. */
export type LabelRefusal = 'missing-metric-name' | 'empty-label-name' | 'duplicate-label'

export type Series = {
  readonly name: string
  /** Sorted by name, without the metric name, without empty values (an empty value means: no such label). */
  readonly labels: readonly Label[]
  /** Where the metric name and each of `labels` stood among the labels given. */
  readonly nameAt: number
  readonly labelsAt: readonly number[]
}

/**
 * Labels as a sender gave them -> the series they name. Senders must sort and often do not, so order is not refused.
 * @example canonicalSeries([['job', 'api'], ['__name__', 'up']]) // { name: 'up', labels: [['job', 'api']], ... }
 */
export function canonicalSeries(given: readonly Label[]): Series | LabelRefusal {
  let nameAt = -1
  const order: number[] = []
  for (const [at, [name]] of given.entries()) {
    if (name === '') return 'empty-label-name'
    if (name !== '__name__') order.push(at)
    else if (nameAt >= 0) return 'duplicate-label'
    else nameAt = at
  }
  const name = given[nameAt]?.[1] ?? ''
  if (name === '') return 'missing-metric-name'
  const nameOf = (at: number): string => given[at]?.[0] ?? ''
  // By UTF-16 code units: the order of MetricBatch.labelRefs. Most senders have sorted already.
  order.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0))
  for (let i = 1; i < order.length; i++) {
    if (nameOf(order[i - 1] as number) === nameOf(order[i] as number)) return 'duplicate-label'
  }
  const labelsAt = order.filter((at) => given[at]?.[1] !== '')
  return { name, labels: labelsAt.map((at) => given[at] as Label), nameAt, labelsAt }
}

/**
 * Identity of a series (MetricBatch.seriesId): hash of kind, name and labels. The separators never occur in UTF-8, so
 * two different series have different bytes.
 */
export function seriesId({ name, labels }: Pick<Series, 'name' | 'labels'>, kind: SeriesKind): Hash64 {
  let most = 2 + 3 * name.length
  for (const [label, value] of labels) most += 2 + 3 * (label.length + value.length)
  if (most > scratch.length) scratch = Buffer.allocUnsafe(most * 2)
  scratch[0] = kind
  let at = 1 + scratch.write(name, 1, 'utf8')
  scratch[at++] = 0xff
  for (const [label, value] of labels) {
    at += scratch.write(label, at, 'utf8')
    scratch[at++] = 0xfe
    at += scratch.write(value, at, 'utf8')
    scratch[at++] = 0xff
  }
  return hash64(scratch.subarray(0, at))
}

let scratch = Buffer.allocUnsafe(4096)

/**
 * Kind of a series whose sender stated none, from the suffixes OpenMetrics reserves for counters. `_bucket`, `_sum` and
 * `_count` are the parts of a classic histogram: each is a cumulative counter of its own.
 */
export function kindBySuffix(name: string): SeriesKind {
  return /_(total|bucket|sum|count)$/.test(name) ? SERIES_KIND.cumulativeCounter : SERIES_KIND.unknown
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
      return SERIES_KIND.cumulativeCounter
    case 'histogram':
    case 'summary':
      return /_(bucket|sum|count)$/.test(name) ? SERIES_KIND.cumulativeCounter : SERIES_KIND.gauge
    case 'gauge':
    case 'gaugehistogram':
    case 'info':
    case 'stateset':
      return SERIES_KIND.gauge
    default:
      return kindBySuffix(name)
  }
}
