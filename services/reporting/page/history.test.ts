import { describe, expect, it } from 'vitest'
import { historyPicture } from './history.js'
import { toText } from './svg.js'

const minute = 60_000
const options = { title: 'order', unit: 'ms', id: 'h', onsetAt: 3 * minute, reference: 110 }
const line = (name: string, ...values: readonly (number | null)[]) => ({
  name,
  points: values.map((value, i) => ({ at: i * minute, value })),
})
const draw = (...lines: Parameters<typeof historyPicture>[0]) =>
  toText(historyPicture(lines, options)).replaceAll('\u00a0', ' ')

describe('the history picture', () => {
  it('says in words what it shows', () => {
    expect(draw(line('p95', 110, 105, 112, 240), line('p50', 60, 61, 62, 120))).toContain(
      'p95 between 105 ms and 240 ms; p50 between 60 ms and 120 ms.',
    )
  })

  it('starts its axis at zero', () => {
    const levels = [...draw(line('p95', 1_000, 1_010)).matchAll(/text-anchor="end">([\d. \u2009]+)(?: ms)?</g)]
    expect(levels[0]?.[1]).toBe('0')
  })

  it('given a few minutes far above all others, cuts them off and says so', () => {
    const values = Array.from({ length: 200 }, (_, i) => (i === 100 ? 5_000 : 100 + (i % 7)))
    expect(draw(line('p95', ...values))).toContain('cut; highest 5\u2009000 ms')
    expect(draw(line('p95', 100, 110, 120, 240))).not.toContain('cut')
  })

  it('breaks a line where nothing was measured, and shows a lone minute as a dot', () => {
    const d = /class="line main" d="([^"]+)"/.exec(draw(line('p95', 100, 110, null, 120, null, 130)))?.[1] ?? ''
    expect(
      d
        .split('M')
        .filter(Boolean)
        .map((piece) => piece.includes('L')),
    ).toEqual([true, false, false])
  })

  it('given days and a mark of another kind, names both as told', () => {
    const lines = [line('score', 80, 70, 60, 35)]
    const days = { ...options, unit: '', onsetName: 'risk raised', timeName: (at: number) => `day ${at / minute}` }
    const drawn = toText(historyPicture(lines, days))
    expect(drawn).toContain('>risk raised<')
    expect(drawn).toContain('>day 1.5<')
    expect(drawn).toContain('score between 35 and 80. The change began at day 3.')
    expect(toText(historyPicture(lines, { ...days, onsetAt: null }))).not.toContain('The change')
  })

  it('leaves the onset out when it lies outside', () => {
    expect(draw(line('p95', 100, 110))).not.toContain('class="onset"')
    expect(draw(line('p95', 100, 110, 120, 130, 140))).toContain('class="onset"')
  })
})
