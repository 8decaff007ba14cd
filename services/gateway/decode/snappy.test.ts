import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DecodeError } from './failure.ts'
import { createSnappyDecoder, encodeSnappy } from './snappy.ts'

const decoder = createSnappyDecoder(1 << 20)
const decode = (...bytes: number[]) => Buffer.from(decoder.decode(Uint8Array.from(bytes))).toString('latin1')

describe('snappy', () => {
  it('gives back what it compressed, repetitive or not', () => {
    const piece = fc.uint8Array({ minLength: 0, maxLength: 200 })
    const repeated = fc
      .tuple(piece, fc.integer({ min: 1, max: 400 }))
      .map(([part, times]) => Buffer.concat(Array(times).fill(part)))
    fc.assert(
      fc.property(
        fc.oneof(piece, repeated),
        (bytes) => Buffer.compare(decoder.decode(encodeSnappy(bytes)), bytes) === 0,
      ),
    )
  })

  it('reads every element of the format', () => {
    // Lengths and tags written by hand from the format's description.
    expect(decode(5, 4 << 2, ...Buffer.from('hello'))).toBe('hello')
    expect(decode(2, 60 << 2, 1, ...Buffer.from('ab'))).toBe('ab')
    expect(decode(8, 3 << 2, ...Buffer.from('abcd'), 1, 4)).toBe('abcdabcd')
    expect(decode(6, 1 << 2, ...Buffer.from('ab'), (3 << 2) | 2, 2, 0)).toBe('ababab')
    expect(decode(5, 0, ...Buffer.from('a'), (3 << 2) | 3, 1, 0, 0, 0)).toBe('aaaaa')
  })

  it.each([
    ['ends inside the length', [0x80]],
    ['does not fit 32 bits', [0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['runs past the end', [5, 4 << 2, 0x61]],
    ['points before the start', [4, (3 << 2) | 2, 1, 0]],
    ['runs past the stated length', [2, 4 << 2, ...Buffer.from('hello')]],
    ['holds 1 bytes and states 2', [2, 0, 0x61]],
    ['longer than the input could hold', [0xff, 0xff, 0x3f, 0]],
  ])('refuses a body that %s', (problem, bytes) => {
    expect(() => decode(...bytes)).toThrow(new RegExp(problem))
  })

  it('refuses to inflate beyond its limit', () => {
    const error = (() => {
      try {
        createSnappyDecoder(100).decode(encodeSnappy(new Uint8Array(101)))
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toBeInstanceOf(DecodeError)
    expect((error as DecodeError).failure).toBe('too-large')
  })
})
