import { expect, test } from 'vitest'
import { fitRamps, rampColumns, widthOf, writeRamps } from './ramps.ts'

test('a value climbs its ramps one after the other, and no further than was seen', () => {
  const [ramps] = fitRamps([Float64Array.of(0, 1, 2, 4, 8)], 4)
  if (ramps === undefined) throw new Error('a feature has ramps')
  const at = (x: number): number[] => {
    const out = new Float64Array(widthOf(ramps))
    writeRamps(ramps, x, out, 0)
    return Array.from(out)
  }
  expect(at(-5)).toEqual([0, 0, 0, 0])
  expect(at(3)).toEqual([1, 1, 0.5, 0])
  expect(at(100)).toEqual([1, 1, 1, 1])
})

test('missing values get a predictor of their own, and a constant none', () => {
  const columns = [Float64Array.of(0, Number.NaN, 1), Float64Array.of(7, 7, 7)]
  const ramps = fitRamps(columns, 5)
  expect(rampColumns(ramps, columns).map((column) => Array.from(column))).toEqual([
    [0, 0, 1],
    [0, 1, 0],
  ])
})
