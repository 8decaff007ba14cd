import { expect, it } from 'vitest'
import { parsePrometheusText } from './prometheustext.ts'

it('reads counters, gauges and the parts of a classic histogram', () => {
  const text = `# HELP a_total Help.
# TYPE a_total counter
a_total{path="/x \\"q\\" \\\\ \\n"} 3
# TYPE g gauge
g 1.5e3
# TYPE h histogram
h_bucket{le="+Inf",} 2
h_sum NaN
h_count 2
`
  expect(parsePrometheusText(text)).toEqual([
    {
      labels: [
        ['__name__', 'a_total'],
        ['path', '/x "q" \\ \n'],
      ],
      kind: 1,
      value: 3,
    },
    { labels: [['__name__', 'g']], kind: 0, value: 1500 },
    {
      labels: [
        ['__name__', 'h_bucket'],
        ['le', '+Inf'],
      ],
      kind: 1,
      value: 2,
    },
    { labels: [['__name__', 'h_sum']], kind: 1, value: Number.NaN },
    { labels: [['__name__', 'h_count']], kind: 1, value: 2 },
  ])
})

it.each(['a{b=c} 1', 'a one', 'a{b="c" 1', '1a 2'])('names the line that does not parse: %s', (line) => {
  expect(() => parsePrometheusText(`ok 1\n${line}`)).toThrow('line 2')
})

it.each([
  ['Nan', Number.NaN],
  ['+Inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
])('reads %s', (text, value) => {
  expect(parsePrometheusText(`a ${text}`)).toMatchObject([{ value }])
})
