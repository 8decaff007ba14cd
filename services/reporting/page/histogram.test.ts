import { describe, expect, it } from 'vitest'
import { histogramPicture } from './histogram.js'
import { toText } from './svg.js'

/** A distribution without chance: a binomial's shape over 17 buckets of half an octave. */
function around(middleMs: number) {
  const counts = [1]
  for (let k = 1; k <= 16; k++) counts.push(Math.round(((counts[k - 1] ?? 0) * (17 - k)) / k))
  return { scale: 1, offset: Math.round(2 * Math.log2(middleMs)) - 8, zero: 0, counts }
}

const options = { title: 'order: latency before and since the change', unit: 'ms', id: 'h' }

describe('the histogram picture', () => {
  it('is the one that was looked at and approved', async () => {
    const picture = histogramPicture(
      { buckets: around(64), marks: { p50: 62, p95: 140 } },
      { buckets: around(256), marks: { p50: 250, p95: 560 } },
      options,
    )
    await expect(`${toText(picture)}\n`).toMatchFileSnapshot('../test/histogram.golden.svg')
  })

  it('says in words what it shows', () => {
    const text = toText(
      histogramPicture(
        { buckets: around(64), marks: { p50: 62, p95: 140 } },
        { buckets: around(256), marks: { p50: 250, p95: 560 } },
        options,
      ),
    ).replaceAll('\u00a0', ' ')
    expect(text).toContain('<title id="h-t">order: latency before and since the change</title>')
    expect(text).toContain('p50 went from 62 ms to 250 ms; p95 went from 140 ms to 560 ms.')
  })

  it('given names with markup in them, writes them as text', () => {
    const side = { buckets: around(64), marks: null }
    const text = toText(histogramPicture(side, side, { ...options, title: '<script>"&' }))
    expect(text).toContain('&lt;script&gt;&quot;&amp;')
  })

  it('given one bucket on each side, still has an axis', () => {
    const one = { scale: 5, offset: 192, zero: 0, counts: [10] }
    const text = toText(histogramPicture({ buckets: one, marks: null }, { buckets: one, marks: null }, options))
    expect(text).not.toMatch(/NaN|Infinity/)
    expect(text.match(/class="tick"/g)?.length).toBeGreaterThan(1)
  })

  it('given no requests at all, draws an empty axis', () => {
    const none = { scale: 5, offset: 0, zero: 0, counts: [] }
    const text = toText(histogramPicture({ buckets: none, marks: null }, { buckets: none, marks: null }, options))
    expect(text).not.toMatch(/NaN|Infinity/)
  })

  it('given marks near an edge or each other, keeps the labels inside and apart', () => {
    const side = { buckets: around(64), marks: { p50: 1020, p95: 1023 } }
    const text = toText(histogramPicture(side, side, { ...options, width: 300 })).replaceAll('\u00a0', ' ')
    const places = [...text.matchAll(/class="mark after" x="([\d.]+)"[^>]*>([^<]+)</g)].map(([, x, label]) => {
      const half = ((label?.length ?? 0) * 6.4) / 2
      return [Number(x) - half, Number(x) + half] as const
    })
    expect(places[0]?.[1]).toBeLessThan(places[1]?.[0] ?? 0)
    expect(places[1]?.[1]).toBeLessThanOrEqual(300)
  })
})
