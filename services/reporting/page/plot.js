// @ts-check
import { quantity } from './format.js'
import { shape } from './svg.js'

/**
 * One share against another, both axes in per cent: what is drawn on them is the caller's.
 *
 * @typedef {{ from: number, to: number, name: string }} Axis shares; `name`: what it is, in words
 * @typedef {(value: number) => number} Scale from a share to a place
 */

const width = 380
const height = 260
const plot = { left: 46, right: width - 8, top: 10, bottom: height - 40 }

/**
 * @param {{ title: string, text: string, id: string, x: Axis, y: Axis }} told `text`: the picture in words
 * @param {(x: Scale, y: Scale) => readonly import('./svg.js').Shape[]} draw
 * @returns {import('./svg.js').Shape}
 */
export function plotPicture({ title, text, id, x, y }, draw) {
  /** @param {number} value */
  const atX = (value) => plot.left + ((value - x.from) / (x.to - x.from)) * (plot.right - plot.left)
  /** @param {number} value */
  const atY = (value) => plot.bottom - ((value - y.from) / (y.to - y.from)) * (plot.bottom - plot.top)
  return shape(
    'svg',
    { class: 'history plot', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-labelledby': `${id}-t ${id}-d` },
    shape('title', { id: `${id}-t` }, title),
    shape('desc', { id: `${id}-d` }, text),
    ...ticksOf(y).map((value) =>
      shape(
        'g',
        { class: 'tick' },
        shape('line', { x1: plot.left, y1: atY(value), x2: plot.right, y2: atY(value) }),
        shape('text', { x: plot.left - 6, y: atY(value) + 4, 'text-anchor': 'end' }, percent(value)),
      ),
    ),
    ...ticksOf(x).map((value) =>
      shape('text', { x: atX(value), y: plot.bottom + 16, 'text-anchor': 'middle' }, percent(value)),
    ),
    shape('text', { x: plot.right, y: height - 6, 'text-anchor': 'end' }, x.name),
    shape('text', { x: plot.left, y: height - 6 }, `up: ${y.name}`),
    ...draw(atX, atY),
  )
}

/** @param {number} share */
export const percent = (share) => quantity(Math.round(share * 1000) / 10, '%')

/** @param {Axis} axis */
function ticksOf({ from, to }) {
  const step = niceStep((to - from) / 4)
  const first = Math.ceil(from / step - 1e-9)
  const count = Math.floor(to / step + 1e-9) - first + 1
  return Array.from({ length: count }, (_, i) => (first + i) * step)
}

/** 1, 2 or 5 times a power of ten, at least `wanted`. @param {number} wanted */
export function niceStep(wanted) {
  const power = 10 ** Math.floor(Math.log10(wanted))
  return power * ([1, 2, 5, 10].find((step) => step * power >= wanted) ?? 10)
}
