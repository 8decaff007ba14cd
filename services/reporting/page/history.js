// @ts-check
import { clockTime, quantity } from './format.js'
import { niceStep } from './plot.js'
import { shape } from './svg.js'

/**
 * Up to two lines over time, with the moment marked from which they were worse. The y axis starts at zero: a change must
 * not look larger than it is.
 *
 * @typedef {{ readonly at: number, readonly value: number | null }} Point `at` in ms since the epoch
 * @typedef {{ readonly name: string, readonly points: readonly Point[] }} Line the first one is the line that regressed
 * @typedef {{
 *   title: string, unit: string, id: string, onsetAt: number | null, onsetName?: string, reference: number | null,
 *   width?: number, timeName?: (at: number) => string,
 * }} Options
 *   `reference`: what the first line was before; `onsetAt`: null when nothing is marked; `timeName`: a time on the axis
 */

const height = 180
const lineClasses = ['main', 'side']

/**
 * @param {readonly Line[]} lines each in order of time
 * @param {Options} options
 * @returns {import('./svg.js').Shape}
 */
export function historyPicture(lines, options) {
  const { title, unit, id, onsetAt, onsetName = 'onset', reference, width = 640, timeName = minuteName } = options
  const plot = { left: 52, right: width - 4, top: 16, bottom: height - 24 }
  const points = lines.flatMap((line) => line.points)
  const from = Math.min(...points.map(({ at }) => at))
  const to = Math.max(...points.map(({ at }) => at), from + 1)
  const highest = Math.max(...points.map(({ value }) => value ?? 0), Number.MIN_VALUE)
  const peak = Math.max(shownPeak(points), reference ?? 0)
  const step = niceStep(peak / 3)
  const top = Math.ceil((peak * 1.04) / step) * step
  /** @param {number} at */
  const x = (at) => plot.left + ((at - from) / (to - from)) * (plot.right - plot.left)
  /** @param {number} value */
  const y = (value) => plot.bottom - Math.min(1, value / top) * (plot.bottom - plot.top)
  const levels = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step)
  return shape(
    'svg',
    { class: 'history', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': `${id}-t ${id}-d` },
    shape('title', { id: `${id}-t` }, title),
    shape('desc', { id: `${id}-d` }, description(lines, options)),
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
        timeName(at),
      ),
    ),
    ...(onsetAt !== null && onsetAt >= from && onsetAt <= to ? onsetMarks(onsetName, x(onsetAt), plot) : []),
    reference === null
      ? undefined
      : shape('line', { class: 'reference', x1: plot.left, y1: y(reference), x2: plot.right, y2: y(reference) }),
    highest > top ? cutRemark(`cut; highest ${quantity(highest, unit)}`, x(onsetAt ?? from), plot) : undefined,
    ...lines.flatMap((line, i) => linePicture(line, lineClasses[i] ?? 'side', x, y)).reverse(),
  )
}

/**
 * A few minutes far above all others would flatten the rest: the axis then ends at twice what 97 % stay below, and says
 * so.
 * @param {readonly Point[]} points
 */
function shownPeak(points) {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value])).sort((a, b) => a - b)
  const highest = values.at(-1) ?? Number.MIN_VALUE
  const usual = values[Math.floor(values.length * 0.97)] ?? highest
  return highest > 3 * usual ? 2 * usual : highest
}

/** At the end of the axis away from the onset's own label. @param {string} text @param {number} onset @param {{ left: number, right: number, top: number }} plot */
function cutRemark(text, onset, { left, right, top }) {
  const isOnsetLeft = onset < (left + right) / 2
  const place = isOnsetLeft ? { x: right, 'text-anchor': 'end' } : { x: left, 'text-anchor': 'start' }
  return shape('text', { class: 'cut', y: top - 6, ...place }, text)
}

/** @param {string} name @param {number} onset @param {{ right: number, top: number, bottom: number }} plot */
function onsetMarks(name, onset, { right, top, bottom }) {
  return [
    shape('rect', { class: 'since', x: onset, y: top, width: right - onset, height: bottom - top }),
    shape('line', { class: 'onset', x1: onset, y1: top - 4, x2: onset, y2: bottom }),
    shape('text', { class: 'onset', x: onset, y: top - 6, 'text-anchor': onset > right - 40 ? 'end' : 'middle' }, name),
  ]
}

/** A line, broken where nothing was measured, and its name at the end. @param {Line} line @param {string} kind @param {(at: number) => number} x @param {(value: number) => number} y */
function linePicture({ name, points }, kind, x, y) {
  let d = ''
  let pen = 'M'
  for (const { at, value } of points) {
    // h0: a minute measured between two that were not is a dot, by the line's round ends.
    if (value !== null) d += `${pen}${tenth(x(at))} ${tenth(y(value))}${pen === 'M' ? 'h0' : ''}`
    pen = value === null ? 'M' : 'L'
  }
  const last = points.findLast(({ value }) => value !== null)
  if (last === undefined) return []
  return [
    shape('text', { class: 'label', x: x(last.at) - 2, y: y(last.value ?? 0) - 6, 'text-anchor': 'end' }, name),
    shape('path', { class: `line ${kind}`, d }),
  ]
}

/** @param {readonly Line[]} lines @param {Options} options */
function description(lines, { unit, onsetAt, timeName = clockTime }) {
  const ranges = lines.map(({ name, points }) => {
    const seen = points.flatMap(({ value }) => (value === null ? [] : [value]))
    return `${name} between ${quantity(Math.min(...seen), unit)} and ${quantity(Math.max(...seen), unit)}`
  })
  const change = onsetAt === null ? '' : ` The change began at ${timeName(onsetAt)}.`
  return `${ranges.join('; ')}.${change}`
}

/** @param {number} at */
const minuteName = (at) => clockTime(at).slice(0, -':00'.length)

/** @param {number} value */
const tenth = (value) => Math.round(value * 10) / 10
