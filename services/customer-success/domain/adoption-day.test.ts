import fc from 'fast-check'
import { expect, test } from 'vitest'
import { adoptedOn } from './adoption-day.ts'

test('uses that lie too far apart are no adoption, the same uses close together are', () => {
  expect(adoptedOn([1, 0, 0, 1, 0, 0, 1], { uses: 3, windowDays: 6 })).toBeUndefined()
  expect(adoptedOn([1, 0, 0, 1, 0, 0, 1], { uses: 3, windowDays: 7 })).toEqual({ index: 6, uses: 3 })
})

test('it is the day a plain recount finds, and more days later change nothing', () => {
  const days = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 })
  const definition = fc.record({ uses: fc.integer({ min: 1, max: 9 }), windowDays: fc.integer({ min: 1, max: 30 }) })
  fc.assert(
    fc.property(days, days, definition, (counts, later, { uses, windowDays }) => {
      const usesUpTo = (index: number): number =>
        counts.slice(Math.max(0, index - windowDays + 1), index + 1).reduce((sum, n) => sum + n, 0)
      const index = counts.findIndex((_, i) => usesUpTo(i) >= uses)
      const found = adoptedOn(counts, { uses, windowDays })
      expect(found).toEqual(index < 0 ? undefined : { index, uses: usesUpTo(index) })
      if (found !== undefined) expect(adoptedOn([...counts, ...later], { uses, windowDays })).toEqual(found)
    }),
  )
})
