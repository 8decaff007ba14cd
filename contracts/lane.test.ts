import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultLaneCount, fnv1a32, incidentLaneKey, laneOf, laneToken, metricLaneKey } from './lane.ts'

/** The first four are Landon Noll's published test vectors; the others were computed over the UTF-8 bytes elsewhere. */
test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['b', 0xe70c2de5],
  ['foobar', 0xbf9cf968],
  ['checkout\u0000prometheus-eu', 0x576c31f8],
  ['zażółć', 0x9fc5d4c9],
  ['😀', 0x33a29608],
])('FNV-1a 32 of %j', (text, hash) => {
  expect(fnv1a32(text)).toBe(hash)
  expect(laneOf(text, defaultLaneCount)).toBe(hash % 16)
  expect(laneOf(text, 5)).toBe(hash % 5)
})

test('any text is hashed by its UTF-8 bytes', () => {
  const reference = (text: string) => {
    let hash = 0x811c9dc5n
    for (const byte of Buffer.from(text, 'utf8')) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn
    return Number(hash)
  }
  // Any UTF-16 at all, halves of pairs included.
  const anyText = fc.uint16Array().map((units) => String.fromCharCode(...units))
  fc.assert(fc.property(anyText, (text) => fnv1a32(text) === reference(text)))
})

test('keys of two parts cannot run into each other', () => {
  expect(metricLaneKey('ab', 'c')).not.toBe(metricLaneKey('a', 'bc'))
  expect(incidentLaneKey('prod', 'cart')).toBe('prod\u0000cart')
})

test('lane tokens have two digits, and only lanes have one', () => {
  expect([0, 7, 10, 15].map(laneToken)).toEqual(['00', '07', '10', '15'])
  for (const lane of [-1, 64, 1.5, Number.NaN]) expect(() => laneToken(lane)).toThrow('outside 0..63')
})
