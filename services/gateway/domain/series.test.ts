import { SERIES_KIND } from '@plimsoll/contracts/metric-batch.ts'
import { describe, expect, it } from 'vitest'
import { hash64 } from './hash.ts'
import { canonicalSeries, kindByMetadata, kindBySuffix, type Label, seriesId } from './series.ts'
import { serviceOf } from './service.ts'

const series = (...labels: Label[]) => {
  const found = canonicalSeries(labels)
  if (typeof found === 'string') throw new Error(found)
  return found
}

describe('identity of a series', () => {
  it('does not depend on the order of labels, nor on empty ones', () => {
    const sorted = series(['__name__', 'up'], ['a', '1'], ['b', '2'])
    const turned = series(['b', '2'], ['c', ''], ['a', '1'], ['__name__', 'up'])
    expect(seriesId(turned, 0)).toEqual(seriesId(sorted, 0))
    expect(turned.labels).toEqual([
      ['a', '1'],
      ['b', '2'],
    ])
  })

  it('differs by kind, and where names and values meet', () => {
    const ids = [
      seriesId(series(['__name__', 'up'], ['a', 'bc']), 0),
      seriesId(series(['__name__', 'up'], ['a', 'bc']), 1),
      seriesId(series(['__name__', 'up'], ['ab', 'c']), 0),
      seriesId(series(['__name__', 'upa'], ['b', 'c']), 0),
    ]
    expect(new Set(ids.map(({ low, high }) => `${high}.${low}`)).size).toBe(4)
  })

  it('is the published hash, for ever', () => {
    // MurmurHash3 x86 128, seed 0: the first half of the reference implementation's result.
    expect(hash64(new Uint8Array(0))).toEqual({ low: 0, high: 0 })
    expect(hash64(new TextEncoder().encode('The quick brown fox jumps over the lazy dog'))).toEqual({
      low: 0x2f1583c3,
      high: 0xecee2c67,
    })
  })
})

it('knows counters by their reserved suffixes, and by metadata where there is any', () => {
  expect(['a_total', 'a_bucket', 'a_sum', 'a_count', 'a'].map(kindBySuffix)).toEqual([1, 1, 1, 1, 5])
  expect(kindByMetadata(1, 'a')).toBe(SERIES_KIND.cumulativeCounter)
  expect(kindByMetadata(5, 'a')).toBe(SERIES_KIND.gauge)
  expect(kindByMetadata(0, 'a_total')).toBe(SERIES_KIND.cumulativeCounter)
})

it.each([
  [
    [
      ['job', 'j'],
      ['service', 's'],
      ['service.name', 'n'],
    ],
    'n',
  ],
  [
    [
      ['job', 'j'],
      ['service', 's'],
    ],
    's',
  ],
  [[['job', 'j']], 'j'],
  [
    [
      ['service', ''],
      ['instance', 'i'],
    ],
    'unknown',
  ],
] as [Label[], string][])('finds the service of %j', (labels, service) => {
  expect(serviceOf(labels)).toBe(service)
})
