import { expect, test } from 'vitest'
import { mentionsOf } from './expression.ts'

test('a metric is told from functions, labels, strings, groupings and variables', () => {
  const expression =
    'histogram_quantile(0.99, sum by (le, route) (rate(x_bucket{route=~"a{2}|sum(y)",job=~"$job"}[$__rate_interval])))'
  expect(mentionsOf(expression)).toEqual([{ metric: 'x_bucket', within: 'rate', range: '$__rate_interval' }])
})

test('every metric of a longer expression is found', () => {
  expect(mentionsOf('(sum(rate(a_total[5m])) or vector(0)) / on (job) group_left () max(b)')).toEqual([
    { metric: 'a_total', within: 'rate', range: '5m' },
    { metric: 'b', within: 'max', range: undefined },
  ])
})

test('numbers and comparisons are no metrics', () => {
  expect(mentionsOf('1e3 * c > bool 0').map(({ metric }) => metric)).toEqual(['c'])
})
