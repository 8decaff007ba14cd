import fc from 'fast-check'
import { expect, test } from 'vitest'
import { f64Column, i8Column, i32Column, packColumn, u8Column, u16Column, u32Column, u64Column } from './columns.ts'

/** The bytes behind `shift` others, as a column lies in a message: aligned for nothing in particular. */
function shifted(bytes: Uint8Array, shift: number): Uint8Array {
  const message = new Uint8Array(bytes.length + shift + 3)
  message.set(bytes, shift)
  return message.subarray(shift, shift + bytes.length)
}

const shift = fc.integer({ min: 0, max: 16 })

test('every format reads back what was packed, bit for bit, wherever it lies', () => {
  fc.assert(
    fc.property(shift, fc.uint8Array({ maxLength: 64 }), (offset, random) => {
      const bytes = random.subarray(0, random.length & ~7)
      for (const column of [f64Column, u32Column, i32Column, u16Column, u8Column, i8Column, u64Column]) {
        expect(packColumn(column(shifted(bytes, offset)))).toEqual(bytes)
      }
    }),
  )
})

test('the wire is little-endian', () => {
  expect([...packColumn(Uint32Array.of(0x01020304))]).toEqual([4, 3, 2, 1])
  expect([...packColumn(Float64Array.of(1))]).toEqual([0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
  expect([...u64Column(packColumn(BigUint64Array.of(0x0102030405060708n)))]).toEqual([0x05060708, 0x01020304])
})

test('the Prometheus stale marker keeps its bits', () => {
  const stale = packColumn(BigUint64Array.of(0x7ff0000000000002n))
  expect(packColumn(f64Column(shifted(stale, 5)))).toEqual(stale)
})

test('an aligned column is a view, an unaligned one a copy', () => {
  const bytes = new Uint8Array(32)
  expect(f64Column(bytes.subarray(8)).buffer).toBe(bytes.buffer)
  expect(f64Column(bytes.subarray(1, 9)).buffer).not.toBe(bytes.buffer)
})

test('a column of the wrong length is refused by name', () => {
  expect(() => f64Column(new Uint8Array(12))).toThrow('f64-le column has 12 bytes')
  expect(() => u64Column(new Uint8Array(12))).toThrow('u64-le column has 12 bytes')
})
