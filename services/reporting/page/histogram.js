// @ts-check
import { quantity } from './format.js'
import { shape } from './svg.js'

/**
 * Two latency distributions on one logarithmic axis: what it is now above the line, what it was before below it.
 * Position tells them apart, so the picture reads without its colours. Each side is drawn as shares of its own
 * requests, at one scale.
 *
 * @typedef {{ readonly scale: number, readonly offset: number, readonly zero: number, readonly counts: readonly number[] }} Buckets
 * @typedef {{ readonly p50: number | null, readonly p95: number | null }} Marks
 * @typedef {{ readonly buckets: Buckets, readonly marks: Marks | null }} Side
 */

const height = 192
const left = 4
const middle = 90
const reach = 62
const narrowestBin = 8
/** Mean advance of the labels' font; only their distances depend on it. */
const characterWidth = 6.4

/**
 * @param {Side} before
 * @param {Side} after
 * @param {{ title: string, unit: string, id: string, width?: number }} options `id` makes the ids of title and description unique
 * @returns {import('./svg.js').Shape}
 */
export function histogramPicture(before, after, { title, unit, id, width = 640 }) {
  const right = width - 4
  const [low, high] = rangeOf(before.buckets, after.buckets)
  const scale = binScale(after.buckets.scale, low, high, width / narrowestBin)
  const bins = {
    before: sharesOf(before.buckets, scale, low, high),
    after: sharesOf(after.buckets, scale, low, high),
  }
  const tallest = Math.max(...bins.before, ...bins.after, Number.MIN_VALUE)
  /** @param {number} value */
  const x = (value) => {
    const share = (Math.log2(value) - low) / (high - low)
    return left + Math.min(1, Math.max(0, share)) * (right - left)
  }
  return shape(
    'svg',
    { class: 'histogram', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': `${id}-t ${id}-d` },
    shape('title', { id: `${id}-t` }, title),
    shape('desc', { id: `${id}-d` }, description(before, after, unit)),
    ...ticks(low, high, width).map((value) => tick(x(value), right, quantity(value, unit))),
    shape('path', { class: 'after', d: outline(bins.after, right, (share) => middle - 1 - (share / tallest) * reach) }),
    shape('path', {
      class: 'before',
      d: outline(bins.before, right, (share) => middle + 1 + (share / tallest) * reach),
    }),
    shape('line', { class: 'axis', x1: left, y1: middle, x2: right, y2: middle }),
    ...shifts(before.marks, after.marks, x),
    ...markLabels('after', after.marks, right, x, unit),
    ...markLabels('before', before.marks, right, x, unit),
  )
}

/** Both histograms without the outermost thousandth on either side, in octaves. @param {Buckets} a @param {Buckets} b @returns {[number, number]} */
function rangeOf(a, b) {
  const lows = [a, b].map((buckets) => edgeAt(buckets, 0.001))
  const highs = [a, b].map((buckets) => edgeAt(buckets, 0.999) + 1 / 2 ** buckets.scale)
  const low = Math.min(...lows)
  const high = Math.max(...highs)
  // Room at both ends, and never less than two octaves: a narrow distribution should look narrow.
  const pad = Math.max(0.15, (2 - (high - low)) / 2)
  return Number.isFinite(low) && Number.isFinite(high) ? [low - pad, high + pad] : [0, 10]
}

/** Lower edge, in octaves, of the bucket that holds this share of the requests. @param {Buckets} buckets @param {number} share */
function edgeAt({ counts, offset, scale }, share) {
  const total = counts.reduce((sum, count) => sum + count, 0)
  let seen = 0
  const index = counts.findIndex((count) => {
    seen += count
    return seen > 0 && seen >= share * total
  })
  return index < 0 ? Number.NaN : (offset + index) / 2 ** scale
}

/** Scale at which the range has at most so many bins; coarser scales nest in finer ones. @param {number} finest @param {number} low @param {number} high @param {number} mostBins */
function binScale(finest, low, high, mostBins) {
  let scale = finest
  while ((high - low) * 2 ** scale > mostBins) scale--
  return scale
}

/** Share of the requests per bin from low to high; what lies outside is counted in but not drawn. @param {Buckets} buckets @param {number} scale @param {number} low @param {number} high */
function sharesOf({ counts, offset, scale: from, zero }, scale, low, high) {
  const total = counts.reduce((sum, count) => sum + count, zero) || 1
  const first = Math.floor(low * 2 ** scale)
  /** @type {number[]} */
  const shares = new Array(Math.ceil(high * 2 ** scale) - first).fill(0)
  counts.forEach((count, i) => {
    const bin = Math.floor((offset + i) / 2 ** (from - scale)) - first
    if (bin >= 0 && bin < shares.length) shares[bin] = (shares[bin] ?? 0) + count / total
  })
  return shares
}

/** One closed path of bars with hairlines between them. @param {readonly number[]} shares @param {number} right @param {(share: number) => number} y */
function outline(shares, right, y) {
  const step = (right - left) / shares.length
  const gap = Math.min(1, step * 0.15)
  const base = y(0)
  const bars = shares.map((share, i) => {
    if (share <= 0) return ''
    const from = left + i * step
    // Never less than half a unit: a bucket with one request is still a request.
    const tip = base < middle ? Math.min(base - 0.5, y(share)) : Math.max(base + 0.5, y(share))
    return `M${round(from)} ${round(base)}V${round(tip)}H${round(from + step - gap)}V${round(base)}Z`
  })
  return bars.join('')
}

/** Round values at a readable distance: 1, 2, 5 per decade, thinned out when the range is wide. @param {number} low @param {number} high @param {number} width */
function ticks(low, high, width) {
  const perDecade = width / ((high - low) * Math.log10(2))
  const steps = perDecade > 190 ? [1, 2, 5] : perDecade > 110 ? [1, 3] : [1]
  /** @type {number[]} */
  const values = []
  for (let decade = Math.floor(low * Math.log10(2)); decade <= Math.ceil(high * Math.log10(2)); decade++) {
    for (const step of steps) {
      const value = step * 10 ** decade
      if (Math.log2(value) >= low && Math.log2(value) <= high) values.push(value)
    }
  }
  return values
}

/** @param {number} x @param {number} right @param {string} label */
function tick(x, right, label) {
  const anchor = x < left + 20 ? 'start' : x > right - 20 ? 'end' : 'middle'
  return shape(
    'g',
    { class: 'tick' },
    shape('line', { x1: x, y1: middle - reach - 4, x2: x, y2: middle + reach + 4 }),
    shape('text', { x, y: height - 4, 'text-anchor': anchor }, label),
  )
}

const quantiles = /** @type {const} */ (['p50', 'p95'])

/** From where a quantile was, through the axis, to where it is. @param {Marks | null} before @param {Marks | null} after @param {(value: number) => number} x */
function shifts(before, after, x) {
  return quantiles.flatMap((name) => {
    const [from, to] = [before?.[name], after?.[name]]
    if (!from || !to) return []
    const d = `M${round(x(from))} ${middle + reach + 4}V${middle + 10}L${round(x(to))} ${middle - 10}V${middle - reach - 4}`
    return [shape('path', { class: `shift ${name}`, d })]
  })
}

/**
 * Each label is centred on its mark where that fits; two that would touch move apart, and none leaves the picture.
 * @param {'before' | 'after'} side @param {Marks | null} marks @param {number} right @param {(value: number) => number} x @param {string} unit
 */
function markLabels(side, marks, right, x, unit) {
  const y = side === 'after' ? middle - reach - 10 : middle + reach + 16
  const labels = quantiles.flatMap((name) => {
    const value = marks?.[name]
    if (!value) return []
    const text = `${name} ${quantity(value, unit)}`
    const half = (text.length * characterWidth) / 2
    return [{ text, half, at: Math.min(right - half, Math.max(left + half, x(value))) }]
  })
  const [first, second] = labels
  if (first && second) {
    const overlap = first.half + second.half + 8 - (second.at - first.at)
    if (overlap > 0) {
      second.at = Math.min(right - second.half, second.at + overlap / 2)
      first.at = Math.max(left + first.half, second.at - second.half - first.half - 8)
    }
  }
  return labels.map(({ text, at }) => shape('text', { class: `mark ${side}`, x: at, y, 'text-anchor': 'middle' }, text))
}

/** The picture in words. @param {Side} before @param {Side} after @param {string} unit */
function description(before, after, unit) {
  const parts = quantiles.flatMap((name) => {
    const [from, to] = [before.marks?.[name], after.marks?.[name]]
    return from && to ? [`${name} went from ${quantity(from, unit)} to ${quantity(to, unit)}`] : []
  })
  const [was, is] = [before, after].map(({ buckets }) => buckets.counts.reduce((sum, n) => sum + n, buckets.zero))
  return `Latency of ${is} requests since the change, drawn above those of ${was} requests before it. ${parts.join('; ')}.`
}

/** @param {number} value */
const round = (value) => Math.round(value * 100) / 100
