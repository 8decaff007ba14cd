import { expect, it } from 'vitest'
import { qiniPicture } from './qini.js'
import { toText } from './svg.js'

const points = [
  [0.25, 0.06],
  [0.5, 0.12],
  [0.75, 0.11],
  [1, 0.05],
].map(([share = 0, value = 0]) => ({ share, gain: { value, low: value - 0.04, high: value + 0.04 } }))
const drawn = toText(qiniPicture(points, { title: 'For whom', id: 'q' })).replaceAll('\u00a0', ' ')

it('says in words what it shows', () => {
  expect(drawn).toContain('Treating all gains 5 %; the most, 12 %, is gained by treating 50 %.')
})

it('begins at nothing and has an interval around each point', () => {
  const [curve = ''] = [...drawn.matchAll(/class="line main" d="([^"]+)"/g)].map(([, d]) => d)
  const [band = ''] = [...drawn.matchAll(/class="band" d="([^"]+)"/g)].map(([, d]) => d)
  expect(curve.split('L')).toHaveLength(5)
  expect(band.split('L')).toHaveLength(10)
  const start = /class="reference" x1="([\d.]+)" y1="([\d.]+)"/.exec(drawn)
  expect(curve.split('L')[0]?.slice(1).split(' ').map(Number)).toEqual([
    expect.closeTo(Number(start?.[1]), 0),
    expect.closeTo(Number(start?.[2]), 0),
  ])
})
