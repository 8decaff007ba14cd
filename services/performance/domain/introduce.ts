/** Which endpoint or gauge a series is about: labels are read once, when a series is first seen. */

import { SERIES_KIND } from '@plimsoll/contracts/metric-batch.ts'
import { boundPosition, createCell, createEndpoint, type Endpoint } from './endpoint.ts'
import { type Fold, nextId } from './fold.ts'
import { createGauge, type Gauge } from './gauge.ts'
import type { Labels } from './labels.ts'
import { type Meaning, meaningOf, type Place, type Stratum } from './meaning.ts'
import { addSeries, findSeries, ignoreSeries, ROLE, UNKNOWN } from './seriestable.ts'

export const OVERFLOW_ENDPOINT = '(other)'

/** The series of a batch, described on demand. */
export type SeriesDictionary = {
  readonly count: number
  /** Low and high half of each identity. */
  readonly ids: Uint32Array
  /** Undefined when this batch leaves it out: an earlier one had it, or a later one will. */
  readonly describe: (row: number) => SeriesDescription | undefined
}

export type SeriesDescription = {
  readonly name: string
  readonly unit: string
  readonly kind: number
  readonly labels: Labels
}

/** Slot of each row of the dictionary, negative where the series is of no use. `source` keeps two senders' series apart. */
export function resolveSeries(fold: Fold, source: string, dictionary: SeriesDictionary, rows: Int32Array): void {
  const salt = hashText(source)
  for (let row = 0; row < dictionary.count; row++) {
    const low = ((dictionary.ids[2 * row] ?? 0) ^ salt) >>> 0
    const high = dictionary.ids[2 * row + 1] ?? 0
    const slot = findSeries(fold.table, low, high)
    if (slot >= 0) fold.table.heard[slot] = 1
    rows[row] = slot === UNKNOWN ? introduce(fold, source, dictionary, row, low, high) : slot
  }
}

function introduce(
  fold: Fold,
  source: string,
  dictionary: SeriesDictionary,
  row: number,
  low: number,
  high: number,
): number {
  const description = dictionary.describe(row)
  if (description === undefined) return UNKNOWN
  const { name, unit, kind, labels } = description
  const meaning = meaningOf(name, unit, kind, labels)
  if (meaning.edge !== undefined) fold.edges.set(`${meaning.edge.caller}\0${meaning.edge.callee}`, meaning.edge)
  if (meaning.role === 'none') {
    ignoreSeries(fold.table, low, high)
    return UNKNOWN
  }
  const delta = kind === SERIES_KIND.deltaCounter || kind === SERIES_KIND.deltaHistogram
  if (meaning.role === 'quantile' || meaning.role === 'gauge') {
    const target = gaugeFor(fold, source, meaning)
    const slot = addSeries(fold.table, low, high, { role: ROLE.gauge, delta: false, target, cell: 0, position: 0 })
    const gauge = fold.gauges[target]
    if (gauge !== undefined) {
      gauge.slots.push(slot)
      fold.dirtyGauges.add(gauge)
    }
    return slot
  }
  const target = endpointFor(fold, source, meaning.place)
  const endpoint = fold.endpoints[target]
  if (endpoint === undefined) return UNKNOWN
  const cellIndex = cellFor(fold, endpoint, meaning.stratum)
  const cell = endpoint.cells[cellIndex]
  if (cell !== undefined && 'unitMs' in meaning) cell.unitMs = meaning.unitMs
  const position = cell !== undefined && meaning.role === 'bucket' ? boundPosition(cell, meaning.upperBound) : 0
  const slot = addSeries(fold.table, low, high, { role: ROLE[meaning.role], delta, target, cell: cellIndex, position })
  endpoint.slots.push(slot)
  fold.dirtyEndpoints.add(endpoint)
  return slot
}

const keyOf = (source: string, place: Place, more = ''): string =>
  [source, place.service, place.environment, place.endpoint, place.method, place.instrument, more].join('\0')

/** Index of the endpoint, made when it is new; the service's overflow endpoint when it has too many. */
export function endpointFor(fold: Fold, source: string, place: Place): number {
  const known = fold.endpointIndex.get(keyOf(source, place))
  if (known !== undefined) return known
  const soFar = fold.endpointsOfService.get(serviceKey(source, place)) ?? 0
  if (soFar >= fold.limits.endpointsPerService && place.endpoint !== OVERFLOW_ENDPOINT) {
    fold.counts.overflow++
    return endpointFor(fold, source, { ...place, endpoint: OVERFLOW_ENDPOINT, method: '' })
  }
  return restoreEndpoint(fold, createEndpoint(nextId(fold), source, place))
}

const serviceKey = (source: string, place: Place): string => `${source}\0${place.environment}\0${place.service}`

export function restoreEndpoint(fold: Fold, endpoint: Endpoint): number {
  const service = serviceKey(endpoint.source, endpoint.place)
  fold.endpointsOfService.set(service, (fold.endpointsOfService.get(service) ?? 0) + 1)
  endpoint.index = fold.endpoints.push(endpoint) - 1
  fold.endpointIndex.set(keyOf(endpoint.source, endpoint.place), endpoint.index)
  return endpoint.index
}

/** Request classes kept apart per endpoint; more share one. */
const MOST_REQUEST_CLASSES = 8
const OVERFLOW_CLASS = '(other)'

/** Place of the cell among the endpoint's, made when it is new. */
export function cellFor(fold: Fold, endpoint: Endpoint, stratum: Stratum): number {
  const { statusClass, release, requestClass } = stratum
  const known = endpoint.cells.findIndex(
    (cell) => cell.statusClass === statusClass && cell.release === release && cell.requestClass === requestClass,
  )
  if (known >= 0) return known
  const classes = new Set(endpoint.cells.map((cell) => cell.requestClass))
  if (!classes.has(requestClass) && classes.size >= MOST_REQUEST_CLASSES && requestClass !== OVERFLOW_CLASS) {
    return cellFor(fold, endpoint, { ...stratum, requestClass: OVERFLOW_CLASS })
  }
  return endpoint.cells.push(createCell(nextId(fold), stratum)) - 1
}

function gaugeFor(fold: Fold, source: string, meaning: Extract<Meaning, { role: 'quantile' | 'gauge' }>): number {
  const quantile = meaning.role === 'quantile' ? meaning.quantile : 0
  const known = fold.gaugeIndex.get(keyOf(source, meaning.place, String(quantile)))
  if (known !== undefined) return known
  const measure =
    meaning.role === 'quantile'
      ? { kind: 'latency' as const, quantile, scale: meaning.scale, unit: 'ms' }
      : { kind: meaning.kind, quantile, scale: meaning.scale, unit: meaning.unit }
  return restoreGauge(fold, createGauge(nextId(fold), source, meaning.place, measure))
}

export function restoreGauge(fold: Fold, gauge: Gauge): number {
  gauge.index = fold.gauges.push(gauge) - 1
  fold.gaugeIndex.set(keyOf(gauge.source, gauge.place, String(gauge.quantile)), gauge.index)
  return gauge.index
}

function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
