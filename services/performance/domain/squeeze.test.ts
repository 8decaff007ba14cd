import fc from 'fast-check'
import { expect, test } from 'vitest'
import { squeeze, stretch } from './squeeze.ts'

const mostlyZeros = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 255 })), {
  minLength: 1,
  maxLength: 2000,
})

test('given any bytes, they come back as they were, wherever the squeezed ones lie', () => {
  fc.assert(
    fc.property(mostlyZeros, fc.integer({ min: 0, max: 3 }), (numbers, offset) => {
      const bytes = Uint8Array.from(numbers)
      const squeezed = squeeze(bytes)
      const elsewhere = new Uint8Array(squeezed.length + offset)
      elsewhere.set(squeezed, offset)
      expect(stretch(elsewhere.subarray(offset))).toEqual(bytes)
      expect(squeezed[0]).toBe(bytes[0])
    }),
    { numRuns: 200, seed: 20_261_124, verbose: true },
  )
})

test('given zeros, leaves them out; given a few more numbers, writes over what was there', () => {
  const bytes = new Uint8Array(4000)
  const squeezed = squeeze(bytes)
  expect(squeezed.length).toBe(256)
  expect(squeeze(bytes.fill(7, 0, 200), squeezed)).not.toBe(squeezed)
  expect(squeeze(bytes.fill(7, 0, 20), squeeze(bytes))).toHaveLength(384)
})

test('given bytes that are cut off or lack their end, refuses them', () => {
  const squeezed = squeeze(new Uint8Array(600).fill(1))
  for (const length of [0, 1, 4, 128, squeezed.length - 4, squeezed.length - 128]) {
    expect(() => stretch(squeezed.subarray(0, length))).toThrow(RangeError)
  }
  expect(() => stretch(Uint8Array.of(...squeezed, ...new Uint8Array(128)))).toThrow(RangeError)
})
