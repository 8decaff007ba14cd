import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eachGain, eachShare, insertAt, placeOf, WINDOWS } from './rolling.ts'

/** The definition: active in the window that ends at t when a day of it is. */
function inWindow(days: readonly number[], width: number): number[] {
  return Array.from({ length: 160 }, (_, t) => (days.some((day) => day > t - width && day <= t) ? 1 : 0))
}

function counter() {
  const counts = new Map(WINDOWS.map((width) => [width as number, new Array<number>(160).fill(0)]))
  const add = (width: number, from: number, to: number) => {
    const row = counts.get(width) ?? []
    for (let t = from; t <= to; t++) row[t] = (row[t] ?? 0) + 1
  }
  return { counts, add }
}

test('whatever order days come in, each window counts its person once and on the right days', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 75 }), { maxLength: 40 }), (order) => {
      const gained = counter()
      const shared = counter()
      const days: number[] = []
      for (const day of order) {
        const at = placeOf(days, day)
        eachGain(days, at, day, WINDOWS, gained.add)
        insertAt(days, at, day)
      }
      expect(days).toEqual([...order].sort((a, b) => a - b))
      eachShare(days, WINDOWS, shared.add)
      for (const width of WINDOWS) {
        expect(gained.counts.get(width)).toEqual(inWindow(order, width))
        expect(shared.counts.get(width)).toEqual(inWindow(order, width))
      }
    }),
  )
})
