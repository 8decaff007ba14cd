import { expect, it } from 'vitest'
import { calibrationPicture } from './calibration.js'
import { toText } from './svg.js'

const bin = (meanPredicted: number, successes: number, n: number) => ({
  meanPredicted,
  observed: { successes, n, interval: { low: successes / n / 2, high: Math.min(1, (successes / n) * 2) } },
})
const draw = (...bins: Parameters<typeof calibrationPicture>[0]) =>
  toText(calibrationPicture(bins, { title: 'Learned', id: 'c' })).replaceAll('\u00a0', ' ')

const attribute = (svg: string, tag: string, name: string) =>
  [...svg.matchAll(new RegExp(`<${tag} class="(?:dot|reference|whisker)"[^>]* ${name}="([\\d.]+)"`, 'g'))].map(
    (found) => Number(found[1]),
  )

it('says in words what it shows', () => {
  expect(draw(bin(0.01, 2, 200), bin(0.12, 20, 100))).toContain(
    'Of 200 told 1 %, 1 % left. Of 100 told 12 %, 20 % left.',
  )
})

it('puts what came true as told on the diagonal, and more that left above it', () => {
  const svg = draw(bin(0.1, 10, 100), bin(0.2, 30, 100))
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = ['x1', 'y1', 'x2', 'y2'].map((name) => attribute(svg, 'line', name)[0])
  const diagonal = (x: number) => y1 + ((x - x1) / (x2 - x1)) * (y2 - y1)
  const [honest, low] = attribute(svg, 'circle', 'cx').map(
    (x, i) => (attribute(svg, 'circle', 'cy')[i] ?? 0) - diagonal(x),
  )
  expect(honest).toBeCloseTo(0, 1)
  expect(low).toBeLessThan(-10)
})

it('given nobody that left, still has an axis', () => {
  expect(draw(bin(0, 0, 50))).not.toMatch(/NaN|Infinity/)
})
