import { describe, expect, test } from 'vitest'
import { retryDelayMs, settlementOf } from './runner.ts'

test('retries come later and later, up to an hour, and never all at once', () => {
  expect([1, 2, 3, 12, 40].map((attempt) => retryDelayMs(attempt, () => 0))).toEqual([
    2_000, 4_000, 8_000, 3_600_000, 3_600_000,
  ])
  expect(retryDelayMs(3, () => 1)).toBe(4_000)
})

describe('an effect that may have happened', () => {
  const unsure = { kind: 'unsure', answer: 'reset' } as const
  const attempt = { attempt: 1, triesLeft: 2 }

  test('is repeated where repeats are folded', () => {
    expect(settlementOf(unsure, { repeatable: true }, attempt, () => 0)).toMatchObject({ state: 'waiting' })
  })

  test('is held where they are not', () => {
    expect(settlementOf(unsure, { repeatable: false }, attempt, () => 0)).toMatchObject({ state: 'unsure' })
  })
})
