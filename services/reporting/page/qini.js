// @ts-check
import { percent, plotPicture } from './plot.js'
import { shape } from './svg.js'

/**
 * What treating a share of accounts gains, those first for whom it is predicted to make the largest difference; the straight
 * line treats as many by chance.
 *
 * @typedef {{ value: number, low: number, high: number }} Estimate
 * @typedef {{ share: number, gain: Estimate }} Point
 */

/**
 * @param {readonly Point[]} points by share, up to all
 * @param {{ title: string, id: string }} options
 * @returns {import('./svg.js').Shape}
 */
export function qiniPicture(points, { title, id }) {
  const none = { share: 0, gain: { value: 0, low: 0, high: 0 } }
  const curve = [none, ...points]
  const all = curve.at(-1) ?? none
  const best = curve.reduce((most, point) => (point.gain.value > most.gain.value ? point : most), none)
  const y = {
    from: Math.min(0, ...curve.map(({ gain }) => gain.low)),
    to: Math.max(0.01, ...curve.map(({ gain }) => gain.high)),
    name: 'gain, with its 95 % interval',
  }
  const text = `Treating all gains ${percent(all.gain.value)}; the most, ${percent(best.gain.value)}, is gained by treating ${percent(best.share)}.`
  return plotPicture({ title, text, id, x: { from: 0, to: 1, name: 'treated' }, y }, (x, atY) => {
    /** @param {readonly Point[]} some @param {'value' | 'low' | 'high'} bound */
    const places = (some, bound) => some.map(({ share, gain }) => `${tenth(x(share))} ${tenth(atY(gain[bound]))}`)
    const band = [...places(curve, 'high'), ...places(curve.toReversed(), 'low')]
    return [
      shape('path', { class: 'band', d: `M${band.join('L')}Z` }),
      shape('line', { class: 'reference', x1: x(0), y1: atY(0), x2: x(1), y2: atY(all.gain.value) }),
      shape('path', { class: 'line main', d: `M${places(curve, 'value').join('L')}` }),
    ]
  })
}

/** @param {number} value */
const tenth = (value) => Math.round(value * 10) / 10
