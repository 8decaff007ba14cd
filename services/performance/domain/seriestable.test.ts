import { expect, test } from 'vitest'
import {
  addSeries,
  compactSeries,
  createSeriesTable,
  findSeries,
  IGNORED,
  ignoreSeries,
  UNKNOWN,
} from './seriestable.ts'

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

test('compacting keeps what it is told to with what was remembered of it, and gives the rest of the memory back', () => {
  const table = createSeriesTable()
  for (let i = 0; i < 10_000; i++) {
    const slot = addSeries(table, i, 5, { ...plain, target: i })
    table.lastTime[slot] = i
    table.lastValue[slot] = i / 2
  }
  ignoreSeries(table, 7, 7)
  const before = table.role.length

  const slotOf = compactSeries(
    table,
    Uint8Array.from({ length: 10_000 }, (_, slot) => (slot % 100 === 0 ? 1 : 0)),
  )
  expect(table.count).toBe(100)
  expect(table.role.length).toBeLessThan(before / 8)
  expect([slotOf[4_200], slotOf[4_201]]).toEqual([42, UNKNOWN])
  expect(findSeries(table, 4_200, 5)).toBe(42)
  expect(findSeries(table, 4_201, 5)).toBe(UNKNOWN)
  expect(findSeries(table, 7, 7)).toBe(IGNORED)
  expect([table.target[42], table.lastTime[42], table.lastValue[42]]).toEqual([4_200, 4_200, 2_100])
})
