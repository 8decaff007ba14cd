import { manualClock } from '@plimsoll/kit/clock.ts'
import { expect, test } from 'vitest'
import { createEventWindow, idAt, WINDOW_MS } from './window.ts'

const id = (byte: number) => new Uint8Array(16).fill(byte)

test('an id is new once, and again when it was forgotten', () => {
  const window = createEventWindow(manualClock(0))
  expect([window.add(id(1)), window.add(id(2)), window.add(id(1))]).toEqual([true, true, false])
  window.forget(id(1))
  expect([window.add(id(2)), window.add(id(1)), window.add(id(1))]).toEqual([false, true, false])
})

test('known for at least the window, forgotten after two', () => {
  const clock = manualClock(0)
  const window = createEventWindow(clock)
  window.add(id(1))
  clock.advance(WINDOW_MS)
  window.add(id(2))
  expect(window.add(id(1))).toBe(false)
  window.forget(id(1))
  expect([window.add(id(1)), window.add(id(1))]).toEqual([true, false])
  clock.advance(WINDOW_MS)
  window.add(id(3))
  clock.advance(WINDOW_MS)
  window.add(id(4))
  expect([window.add(id(2)), window.add(id(3))]).toEqual([true, false])
})

test('ids that stand end to end', () => {
  expect(idAt(Buffer.concat([id(1), id(2)]), 1)).toEqual(Buffer.from(id(2)))
})
