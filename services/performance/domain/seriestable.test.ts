import { expect, test } from 'vitest'
import { addSeries, createSeriesTable, findSeries, IGNORED, ignoreSeries, UNKNOWN } from './seriestable.ts'

const plain = { role: 2, delta: false, target: 0, cell: 0, position: 0 }

test('a table finds what was put in, through every growth', () => {
  const table = createSeriesTable()
  for (let i = 0; i < 20_000; i++) addSeries(table, Math.imul(i, 2_654_435_761) >>> 0, i, { ...plain, target: i })

  for (let i = 0; i < 20_000; i++) {
    const slot = findSeries(table, Math.imul(i, 2_654_435_761) >>> 0, i)
    expect(table.target[slot]).toBe(i)
  }
  expect(findSeries(table, 1, 999_999)).toBe(UNKNOWN)
})

test('ids that differ in one half are different series', () => {
  const table = createSeriesTable()
  const first = addSeries(table, 7, 1, plain)
  const second = addSeries(table, 7, 2, plain)
  expect([findSeries(table, 7, 1), findSeries(table, 7, 2)]).toEqual([first, second])
})

test('series that mean nothing are remembered, in a table that holds nothing else', () => {
  const table = createSeriesTable()
  for (let i = 0; i < 10_000; i++) ignoreSeries(table, i, 3)
  for (let i = 0; i < 10_000; i++) expect(findSeries(table, i, 3)).toBe(IGNORED)
})

test('they are forgotten, and nothing else is, before they fill the memory', () => {
  const table = createSeriesTable()
  const kept = addSeries(table, 1, 1, plain)
  for (let i = 0; i < 2_000_000; i++) ignoreSeries(table, i, 3)
  expect(table.entry.length).toBeLessThanOrEqual(2 ** 20)
  expect(findSeries(table, 1, 1)).toBe(kept)
})
