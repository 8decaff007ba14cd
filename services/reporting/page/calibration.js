// @ts-check
import { number } from './format.js'
import { percent, plotPicture } from './plot.js'
import { shape } from './svg.js'

/**
 * What was predicted against what happened: honest probabilities lie on the diagonal.
 *
 * @typedef {{ meanPredicted: number, observed: { successes: number, n: number, interval: { low: number, high: number } } }} Bin
 */

/**
 * @param {readonly Bin[]} bins at least one
 * @param {{ title: string, id: string }} options
 */
export function calibrationPicture(bins, { title, id }) {
  const rates = bins.map(({ observed: { successes, n } }) => successes / n)
  // What few accounts leave open is cut off: the whole of it would flatten the rest.
  const top = Math.min(1, 1.25 * Math.max(...rates, ...bins.map(({ meanPredicted }) => meanPredicted), 0.004))
  const text = bins
    .map(({ meanPredicted, observed: { successes, n } }) => {
      return `Of ${number(n)} told ${percent(meanPredicted)}, ${percent(successes / n)} left.`
    })
    .join(' ')
  const axis = { from: 0, to: top }
  return plotPicture(
    { title, text, id, x: { ...axis, name: 'predicted' }, y: { ...axis, name: 'left, with its 95 % interval' } },
    (x, y) => [
      shape('line', { class: 'reference', x1: x(0), y1: y(0), x2: x(top), y2: y(top) }),
      ...bins.flatMap(({ meanPredicted, observed: { interval } }, i) => {
        const at = x(meanPredicted)
        const high = y(Math.min(top, interval.high))
        return [
          shape('line', { class: 'whisker', x1: at, y1: y(Math.min(top, interval.low)), x2: at, y2: high }),
          shape('circle', { class: 'dot', cx: at, cy: y(rates[i] ?? 0), r: 4 }),
        ]
      }),
    ],
  )
}
