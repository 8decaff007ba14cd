import { expect, test } from 'vitest'
import { isTimeZone } from './time-zone.ts'

test.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['+02:00', true],
  ['Europe/Atlantis', false],
  ['', false],
])('%s: %s', (name, expected) => {
  expect(isTimeZone(name)).toBe(expected)
})
