// @ts-check
import { clockTime, quantity } from './format.js'
import { shape } from './svg.js'

/**
 * p50 and p95 over time, with the onset marked. The y axis starts at zero: a regression must not look larger than it is.
 *
 * @typedef {{ readonly at: number, readonly p50: number | null, readonly p95: number | null }} Point `at` in ms since the epoch
 */

const height = 180

/**
 * @param {readonly Point[]} points in order of time
 * @param {{ title: string, unit: string, id: string, onsetAt: number, reference: number | null, width?: number }} options `reference`: the p95 before
 * @returns {import('./svg.js').Shape}
 */
export function historyPicture(points, { title, unit, id, onsetAt, reference, width = 640 }) {
  const plot = { left: 52, right: width - 4, top: 16, bottom: height - 24 }
  const from = points[0]?.at ?? 0
  const to = Math.max(points.at(-1)?.at ?? 1, from + 1)
  const peak = Math.max(...points.flatMap(({ p50, p95 }) => [p50 ?? 0, p95 ?? 0]), reference ?? 0, Number.MIN_VALUE)
  const step = niceStep(peak / 3)
  const top = Math.ceil((peak * 1.04) / step) * step
  /** @param {number} at */
  const x = (at) => plot.left + ((at - from) / (to - from)) * (plot.right - plot.left)
  /** @param {number} value */
  const y = (value) => plot.bottom - (value / top) * (plot.bottom - plot.top)
  const levels = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step)
  const onset = onsetAt >= from && onsetAt <= to ? x(onsetAt) : undefined
  return shape(
    'svg',
    { class: 'history', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': `${id}-t ${id}-d` },
    shape('title', { id: `${id}-t` }, title),
    shape('desc', { id: `${id}-d` }, description(points, unit, onsetAt)),
    ...levels.map((value) =>
      shape(
        'g',
        { class: 'tick' },
        shape('line', { x1: plot.left, y1: y(value), x2: plot.right, y2: y(value) }),
        shape(
          'text',
          { x: plot.left - 6, y: y(value) + 4, 'text-anchor': 'end' },
          quantity(value, value === 0 ? '' : unit),
        ),
      ),
    ),
    ...[from, (from + to) / 2, to].map((at, i) =>
      shape(
        'text',
        { class: 'time', x: x(at), y: height - 6, 'text-anchor': ['start', 'middle', 'end'][i] },
        clockTime(at).slice(0, -3),
      ),
    ),
    onset === undefined
      ? undefined
      : shape('rect', {
          class: 'since',
          x: onset,
          y: plot.top,
          width: plot.right - onset,
          height: plot.bottom - plot.top,
        }),
    onset === undefined
      ? undefined
      : shape('line', { class: 'onset', x1: onset, y1: plot.top - 4, x2: onset, y2: plot.bottom }),
    onset === undefined
      ? undefined
      : shape(
          'text',
          { class: 'onset', x: onset, y: plot.top - 6, 'text-anchor': onset > width - 60 ? 'end' : 'middle' },
          'onset',
        ),
    reference === null
      ? undefined
      : shape('line', { class: 'reference', x1: plot.left, y1: y(reference), x2: plot.right, y2: y(reference) }),
    ...lines(points, 'p50', x, y),
    ...lines(points, 'p95', x, y),
  )
}

/** A line, broken where nothing was measured, and its name at the end. @param {readonly Point[]} points @param {'p50' | 'p95'} name @param {(at: number) => number} x @param {(value: number) => number} y */
function lines(points, name, x, y) {
  let d = ''
  let pen = 'M'
  for (const point of points) {
    const value = point[name]
    if (value === null) {
      pen = 'M'
      continue
    }
    d += `${pen}${Math.round(x(point.at) * 10) / 10} ${Math.round(y(value) * 10) / 10}`
    pen = 'L'
  }
  const last = points.findLast((point) => point[name] !== null)
  if (last === undefined) return []
  return [
    shape('path', { class: `line ${name}`, d }),
    shape('text', { class: `label ${name}`, x: x(last.at) - 2, y: y(last[name] ?? 0) - 6, 'text-anchor': 'end' }, name),
  ]
}

/** 1, 2 or 5 times a power of ten, at least `wanted`. @param {number} wanted */
function niceStep(wanted) {
  const power = 10 ** Math.floor(Math.log10(wanted))
  return power * ([1, 2, 5, 10].find((step) => step * power >= wanted) ?? 10)
}

/** @param {readonly Point[]} points @param {string} unit @param {number} onsetAt */
function description(points, unit, onsetAt) {
  const seen = points.flatMap(({ p95 }) => (p95 === null ? [] : [p95]))
  if (seen.length === 0) return 'Nothing was measured in this time.'
  return `p95 between ${quantity(Math.min(...seen), unit)} and ${quantity(Math.max(...seen), unit)}; the change began at ${clockTime(onsetAt)}.`
}
