import { describe, expect, it } from 'vitest'
import { change, dayName, duration, money, number, quantity, seriesName, signed } from './format.js'

const plain = (text: string) => text.replaceAll(/[\u00a0\u2009]/g, ' ')

describe('figures', () => {
  it.each([
    [0, '0'],
    [0.0421, '0.0421'],
    [41.25, '41.3'],
    [243.4, '243'],
    [12_400, '12 400'],
  ])('writes %d with three digits as %s', (value, text) => {
    expect(plain(number(value))).toBe(text)
  })

  it.each([
    [237, 'ms', '237 ms'],
    [12_400, 'ms', '12.4 s'],
    [0.042, 'ms', '42 µs'],
    [1.25, '%', '1.25 %'],
    [null, 'ms', '–'],
  ])('writes %s %s as %s', (value, unit, text) => {
    expect(plain(quantity(value, unit))).toBe(text)
  })

  it.each([
    [110, 237, '×2.2'],
    [100, 118, '+18 %'],
    [100, 60, '−40 %'],
    [0, 5, ''],
  ])('says how %d became %d: %s', (before, after, text) => {
    expect(plain(change(before, after))).toBe(text)
  })

  it.each([
    [42_000, '42 s'],
    [240_000, '4 min'],
    [11_400_000, '3 h 10 min'],
    [187_200_000, '2 d 4 h'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(plain(duration(ms))).toBe(text)
  })

  it.each([
    [149_900, 'EUR', '€1,499'],
    [149_900, 'JPY', '¥149,900'],
    [149_900, '', '1 499'],
    [149_900, 'none', '1 499'],
  ])('writes %d in the minor unit of %s as %s', (minor, currency, text) => {
    expect(plain(money(minor, currency))).toBe(text)
  })

  it.each([
    [4.25, '+4.3'],
    [-13, '−13'],
    [-0.04, '0'],
    [null, '–'],
  ])('writes %s points as %s', (points, text) => {
    expect(plain(signed(points))).toBe(text)
  })

  it('names a day by UTC, with its year when it is not this one', () => {
    const now = Date.UTC(2026, 10, 24)
    expect([dayName('2026-11-03', now), dayName('2025-11-03', now)]).toEqual(['3 Nov', '3 Nov 2025'])
  })

  it('names a series without method or route', () => {
    expect([seriesName({ method: '', endpoint: '*' }), seriesName({ method: '', endpoint: 'queue' })]).toEqual([
      'all endpoints',
      'queue',
    ])
  })
})
