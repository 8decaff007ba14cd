/** What a METRIC lane remembers in pages (`kit/lanes/pages.ts`). */

import { type PageReader, type PageWriter, put, take } from '@plimsoll/kit/lanes/pages.ts'
import type { Cell, CellWindow, Endpoint } from '../domain/endpoint.ts'
import type { Gauge } from '../domain/gauge.ts'
import { createHistogram, type Histogram } from '../domain/histogram.ts'
import { PAGE_BITS, type SeriesTable } from '../domain/seriestable.ts'

export const PAGE_KIND = { lane: 0, series: 1, endpoint: 2, gauge: 3 } as const

/** Endpoints and gauges a page. */
export const ENDPOINTS_PER_PAGE = 8
export const GAUGES_PER_PAGE = 64

const SERIES_WORDS = 6

/** Columns of the series of one page. */
export function encodeSeriesPage(table: SeriesTable, page: number): Uint8Array {
  const from = page << PAGE_BITS
  const to = Math.min(table.count, from + (1 << PAGE_BITS))
  const count = to - from
  const buffer = new ArrayBuffer(count * SERIES_WORDS * 8)
  const words = new Uint32Array(buffer, 0, count * 4)
  const doubles = new Float64Array(buffer, count * 16, count * 2)
  const rest = new Uint32Array(buffer, count * 32, count * 4)
  for (let i = 0; i < count; i++) {
    const slot = from + i
    words[i] = table.idLow[slot] ?? 0
    words[count + i] = table.idHigh[slot] ?? 0
    words[2 * count + i] = table.target[slot] ?? 0
    words[3 * count + i] = ((table.cell[slot] ?? 0) << 16) | (table.position[slot] ?? 0)
    doubles[i] = table.lastTime[slot] ?? 0
    doubles[count + i] = table.lastValue[slot] ?? 0
    rest[i] = ((table.role[slot] ?? 0) << 1) | (table.delta[slot] ?? 0)
  }
  return new Uint8Array(buffer)
}

export type SavedSeries = {
  readonly low: number
  readonly high: number
  readonly role: number
  readonly delta: boolean
  readonly target: number
  readonly cell: number
  readonly position: number
  readonly lastTime: number
  readonly lastValue: number
}

export function* decodeSeriesPage(bytes: Uint8Array): Generator<SavedSeries> {
  const { buffer } = new Uint8Array(bytes)
  const count = buffer.byteLength / (SERIES_WORDS * 8)
  const words = new Uint32Array(buffer, 0, count * 4)
  const doubles = new Float64Array(buffer, count * 16, count * 2)
  const rest = new Uint32Array(buffer, count * 32, count * 4)
  for (let i = 0; i < count; i++) {
    const place = words[3 * count + i] ?? 0
    const kind = rest[i] ?? 0
    yield {
      low: words[i] ?? 0,
      high: words[count + i] ?? 0,
      role: kind >> 1,
      delta: (kind & 1) === 1,
      target: words[2 * count + i] ?? 0,
      cell: place >>> 16,
      position: place & 0xffff,
      lastTime: doubles[i] ?? 0,
      lastValue: doubles[count + i] ?? 0,
    }
  }
}

export function putEndpoint(page: PageWriter, endpoint: Endpoint): void {
  put(page, endpoint.id)
  put(page, endpoint.intervalMs)
  put(page, endpoint.latestMs)
  put(page, endpoint.receivedAtMs)
  put(page, endpoint.closedMinute)
  put(page, endpoint.cells.length)
  for (const cell of endpoint.cells) putCell(page, cell)
  put(page, endpoint.readings.size)
  for (const [slot, reading] of endpoint.readings) {
    put(page, slot)
    putHistogram(page, reading)
  }
}

/** Gives an endpoint, made from its row, what it remembered; cells that are not remembered are gone. */
export function takeEndpoint(page: PageReader, endpointOf: (id: number) => Endpoint): Endpoint {
  const endpoint = endpointOf(take(page))
  endpoint.intervalMs = take(page)
  endpoint.latestMs = take(page)
  endpoint.receivedAtMs = take(page)
  endpoint.closedMinute = take(page)
  const catalogued = endpoint.cells.splice(0)
  for (let cells = take(page); cells > 0; cells--) endpoint.cells.push(takeCell(page, catalogued, endpoint.id))
  for (let readings = take(page); readings > 0; readings--) {
    const slot = take(page)
    endpoint.readings.set(slot, takeHistogram(page))
  }
  return endpoint
}

function putCell(page: PageWriter, cell: Cell): void {
  put(page, cell.id)
  put(page, cell.unitMs)
  put(page, cell.latestMinute)
  put(page, cell.bounds.length)
  for (const bound of cell.bounds) put(page, bound)
  put(page, cell.open.length)
  for (const window of cell.open) putWindow(page, window)
}

function takeCell(page: PageReader, catalogued: readonly Cell[], endpointId: number): Cell {
  const id = take(page)
  const cell = catalogued.find((candidate) => candidate.id === id)
  if (cell === undefined)
    throw new RangeError(`lane state names cell ${id}, which endpoint ${endpointId} does not have`)
  cell.unitMs = take(page)
  cell.latestMinute = take(page)
  for (let bounds = take(page); bounds > 0; bounds--) cell.bounds.push(take(page))
  for (let open = take(page); open > 0; open--) cell.open.push(takeWindow(page))
  return cell
}

function putWindow(page: PageWriter, window: CellWindow): void {
  put(page, window.minute)
  put(page, window.requests)
  put(page, window.rate)
  put(page, window.bucketRate)
  put(page, window.durationSumMs)
  put(page, window.bucketed.length)
  for (const value of window.bucketed) put(page, value)
  put(page, window.histogram === undefined ? 0 : 1)
  if (window.histogram !== undefined) putHistogram(page, window.histogram)
}

function takeWindow(page: PageReader): CellWindow {
  const minute = take(page)
  const [requests, rate, bucketRate, durationSumMs] = [take(page), take(page), take(page), take(page)]
  const bucketed = new Float64Array(take(page))
  for (let i = 0; i < bucketed.length; i++) bucketed[i] = take(page)
  const histogram = take(page) === 1 ? takeHistogram(page) : undefined
  return { minute, requests, rate, bucketRate, durationSumMs, bucketed, histogram }
}

function putHistogram(page: PageWriter, histogram: Histogram): void {
  put(page, histogram.count)
  put(page, histogram.sum)
  put(page, histogram.min)
  put(page, histogram.max)
  put(page, histogram.zero)
  put(page, histogram.offset)
  put(page, histogram.length)
  for (let i = 0; i < histogram.length; i++) put(page, histogram.counts[i] ?? 0)
}

function takeHistogram(page: PageReader): Histogram {
  const histogram = createHistogram()
  histogram.count = take(page)
  histogram.sum = take(page)
  histogram.min = take(page)
  histogram.max = take(page)
  histogram.zero = take(page)
  histogram.offset = take(page)
  histogram.length = take(page)
  histogram.counts = new Float64Array(histogram.length)
  for (let i = 0; i < histogram.length; i++) histogram.counts[i] = take(page)
  return histogram
}

export function putGauge(page: PageWriter, gauge: Gauge): void {
  put(page, gauge.id)
  put(page, gauge.intervalMs)
  put(page, gauge.latestMs)
  put(page, gauge.receivedAtMs)
  put(page, gauge.closedMs)
  put(page, gauge.open.length)
  for (const window of gauge.open) {
    put(page, window.key)
    put(page, window.atMs)
    put(page, window.sum)
    put(page, window.readings)
    put(page, window.min)
    put(page, window.max)
  }
}

export function takeGauge(page: PageReader, gaugeOf: (id: number) => Gauge): Gauge {
  const gauge = gaugeOf(take(page))
  gauge.intervalMs = take(page)
  gauge.latestMs = take(page)
  gauge.receivedAtMs = take(page)
  gauge.closedMs = take(page)
  for (let open = take(page); open > 0; open--) {
    const [key, atMs, sum] = [take(page), take(page), take(page)]
    gauge.open.push({ key, atMs, sum, readings: take(page), min: take(page), max: take(page) })
  }
  return gauge
}
