import { defaultLaneCount } from '@plimsoll/contracts/lane.ts'
import { describe, expect, it } from 'vitest'
import { createTextTable } from './registry.ts'
import { createSpanColumns, openSpan, SPAN_TEXTS, spanText } from './spancolumns.ts'
import { fillSpanBatches, type OpenSpanBatch, openSpanBatch, spansWeight } from './spanintake.ts'

describe('weight of spans', () => {
  const texts = createTextTable()

  /** Weighs and stores 1,000 spans; what was foretold, counted and written for each lane. */
  function store(statement: (span: number) => string, laneOfSpan: (span: number) => number) {
    const columns = createSpanColumns()
    for (let i = 0; i < 1_000; i++) {
      const row = openSpan(columns)
      columns.lane[row] = laneOfSpan(i)
      columns.texts.fill(0, row * SPAN_TEXTS, (row + 1) * SPAN_TEXTS)
      columns.texts[row * SPAN_TEXTS + spanText.statement] = texts.internString(statement(i))
    }
    const foretold = spansWeight(texts, columns, defaultLaneCount)
    const batches = new Map<number, OpenSpanBatch>()
    const empty = openSpanBatch('shop', texts, Date.now).weight
    fillSpanBatches(texts, columns, (lane, weight) => {
      const batch = batches.get(lane) ?? openSpanBatch('shop', texts, Date.now)
      batches.set(lane, batch)
      batch.weight += weight
      return batch
    })
    return [...batches].map(([lane, batch]) => ({
      foretold: empty + (foretold[lane] ?? 0),
      counted: batch.weight,
      written: batch.encode().length,
    }))
  }

  it('a text that repeats counts once in a batch', () => {
    const [lane] = store(
      () => 'x'.repeat(1_000),
      () => 7,
    )
    expect(lane?.foretold).toBeLessThan(200_000)
    expect(lane?.counted).toBe(lane?.foretold)
  })

  it.each([
    ['of one lane', () => 3],
    ['of many lanes, in turns', (span: number) => span % defaultLaneCount],
  ])('it is never less than what is written: spans %s', (_, laneOfSpan) => {
    for (const statement of [(span: number) => `SELECT ${span % 50}`, (span: number) => `${'y'.repeat(500)}${span}`]) {
      for (const { foretold, counted, written } of store(statement, laneOfSpan)) {
        expect(written).toBeLessThanOrEqual(counted)
        expect(counted).toBeLessThanOrEqual(foretold)
      }
    }
  })
})
