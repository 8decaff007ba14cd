import { createPageReader, createPageWriter, pageBytes } from '@plimsoll/kit/lanes/pages.ts'
import { expect, test } from 'vitest'
import { createCell, createEndpoint, windowOf } from '../domain/endpoint.ts'
import { addReading, createGauge } from '../domain/gauge.ts'
import { histogramOf } from '../domain/histogramcodec.ts'
import { addSeries, createSeriesTable, ROLE } from '../domain/seriestable.ts'
import { decodeSeriesPage, encodeSeriesPage, putEndpoint, putGauge, takeEndpoint, takeGauge } from './pages.ts'

const place = { service: 'cart', environment: '', endpoint: '/cart', method: 'GET', instrument: 'spans' }

/** Bytes as they come from a database: at any address. */
const unaligned = (bytes: Uint8Array): Uint8Array => {
  const shifted = new Uint8Array(bytes.length + 3)
  shifted.set(bytes, 3)
  return shifted.subarray(3)
}

test('a page of series gives back what was put in', () => {
  const table = createSeriesTable()
  for (let i = 0; i < 300; i++) {
    const slot = addSeries(table, 0xffff_fff0 + (i % 16), i, {
      role: ROLE.bucket,
      delta: i % 2 === 1,
      target: i,
      cell: 65_535 - i,
      position: i,
    })
    table.lastTime[slot] = 1.7e12 + i
    table.lastValue[slot] = i / 3
  }
  const second = [...decodeSeriesPage(unaligned(encodeSeriesPage(table, 1)))]
  expect(second).toHaveLength(44)
  expect(second[1]).toEqual({
    low: 0xffff_fff1,
    high: 257,
    role: ROLE.bucket,
    delta: true,
    target: 257,
    cell: 65_278,
    position: 257,
    lastTime: 1.7e12 + 257,
    lastValue: 257 / 3,
  })
})

test('an endpoint with open windows comes back as it was', () => {
  const make = () => {
    const endpoint = createEndpoint(5, 'test', place)
    endpoint.cells.push(
      createCell(6, { statusClass: 2, release: '1.0', requestClass: '' }),
      createCell(7, { statusClass: 5, release: '1.0', requestClass: 'gold' }),
    )
    return endpoint
  }
  const endpoint = make()
  Object.assign(endpoint, { intervalMs: 15_000, latestMs: 9e6, receivedAtMs: 9.1e6, closedMinute: 149 })
  const [first] = endpoint.cells
  first?.bounds.push(0.1, Infinity)
  if (first !== undefined) {
    const window = windowOf(first, 150)
    window.requests = 12
    window.histogram = histogramOf([3, 5, 900])
  }
  endpoint.readings.set(44, histogramOf([1]))
  const page = createPageWriter()
  putEndpoint(page, endpoint)

  const back = make()
  takeEndpoint(createPageReader(unaligned(pageBytes(page))), () => back)
  expect(JSON.stringify(back)).toBe(JSON.stringify(endpoint))
  expect(back.readings.get(44)?.count).toBe(1)
})

test('a gauge with an open window comes back as it was', () => {
  const make = () => createGauge(5, 'test', place, { kind: 'latency', quantile: 0.95, scale: 1000, unit: 'ms' })
  const gauge = make()
  addReading(gauge, 90_000, 0.5)
  const page = createPageWriter()
  putGauge(page, gauge)

  const back = make()
  takeGauge(createPageReader(pageBytes(page)), () => back)
  expect(back).toEqual(gauge)
})
