import { describe, expect, test } from 'vitest'
import { readHistogram } from './answerhistogram.ts'

/** What the API writes for populated buckets of a schema: bucket i by its upper edge, base^(i-1) to base^i. */
function answer(schema: number, upperIndexes: readonly number[]) {
  const base = 2 ** (2 ** -schema)
  const text = (value: number) => String(value)
  return {
    count: String(upperIndexes.length),
    sum: '1',
    buckets: upperIndexes.map(
      (i) => [0, text(base ** (i - 1)), text(base ** i), '1'] as [number, string, string, string],
    ),
  }
}

describe('exponential buckets', () => {
  test.each([-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8])('schema %d: scale and lower edges come back', (schema) => {
    const upper = schema < -2 ? [-1, 0, 1, 2] : [-40, -3, 0, 1, 2, 17]
    expect(readHistogram(answer(schema, upper))).toMatchObject({
      scale: schema,
      index: upper.map((i) => i - 1),
      bounds: [],
    })
  })

  test('the zero bucket is counted apart, negative buckets only in the count', () => {
    const histogram = readHistogram({
      count: '9',
      sum: '-2',
      buckets: [
        [1, '-2', '-1', '3'],
        [3, '-0.001', '0.001', '2'],
        [0, '1', '2', '4'],
      ],
    })
    expect(histogram).toMatchObject({ count: 9, scale: 0, zeroCount: 2, zeroThreshold: 0.001, index: [0], counts: [4] })
  })
})

test('custom bounds become explicit ones; what is above all of them is the last', () => {
  const histogram = readHistogram({
    count: '6',
    sum: '3',
    buckets: [
      [3, '-Inf', '0.005', '1'],
      [0, '0.005', '0.01', '2'],
      [0, '0.1', '+Inf', '3'],
    ],
  })
  expect(histogram).toMatchObject({ scale: -53, bounds: [0.005, 0.01, 0.1], index: [0, 1, 3], counts: [1, 2, 3] })
})

test('an empty histogram is one of schema 0', () => {
  expect(readHistogram({ count: '0', sum: '0' })).toMatchObject({ count: 0, scale: 0, index: [] })
})

test.each([
  { count: 'x', sum: '0' },
  { count: '1', sum: '0', buckets: [[0, '2', '1', '1'] as [number, string, string, string]] },
])('%j is none', (given) => {
  expect(readHistogram(given)).toBeUndefined()
})
