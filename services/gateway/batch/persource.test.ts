import { manualClock } from '@plimsoll/kit/clock.ts'
import { expect, test, vi } from 'vitest'
import { createPerSource, QUIET_MS } from './persource.ts'

type Kept = { readonly source: string; readonly n: number; flushes: number; flush(): void }

function tracked(isWorn?: (kept: Kept) => boolean) {
  const clock = manualClock(0)
  let made = 0
  const make = (source: string): Kept => ({
    source,
    n: ++made,
    flushes: 0,
    flush() {
      this.flushes++
    },
  })
  return { clock, sources: createPerSource(clock, make, isWorn) }
}

test('a source keeps what was made for it for as long as it sends', () => {
  const { clock, sources } = tracked()
  const first = sources.of('a')
  for (let i = 0; i < 10; i++) {
    clock.advance(QUIET_MS - 1)
    expect(sources.of('a')).toBe(first)
  }
  expect(first.flushes).toBe(0)
})

test('of thousands of sources those are kept that have sent lately; the others are flushed and forgotten', () => {
  const { clock, sources } = tracked()
  const quiet = Array.from({ length: 5_000 }, (_, i) => sources.of(`source-${i}`))
  clock.advance(QUIET_MS / 2)
  sources.of('source-7')
  clock.advance(QUIET_MS / 2)
  sources.of('another')
  expect(Array.from(sources.all(), ({ source }) => source)).toEqual(['source-7', 'another'])
  expect(quiet.filter(({ flushes }) => flushes === 1)).toHaveLength(4_999)
  expect(sources.of('source-8')).not.toBe(quiet[8])
})

test('sources that all stop are given back too, though nobody sends any more', () => {
  vi.useFakeTimers()
  try {
    const { clock, sources } = tracked()
    const pass = (ms: number) => {
      clock.advance(ms)
      vi.advanceTimersByTime(ms)
    }
    const first = sources.of('a')
    pass(QUIET_MS / 2)
    const second = sources.of('b')
    pass(QUIET_MS / 2)
    expect([first.flushes, second.flushes]).toEqual([1, 0])
    pass(QUIET_MS)
    expect([[...sources.all()], second.flushes, vi.getTimerCount()]).toEqual([[], 1, 0])
  } finally {
    vi.useRealTimers()
  }
})

test('what is worn is flushed and made anew', () => {
  const { sources } = tracked(({ n }) => n === 1)
  const worn = sources.of('a')
  expect(sources.of('a').n).toBe(2)
  expect(worn.flushes).toBe(1)
  expect(Array.from(sources.all(), ({ n }) => n)).toEqual([2])
})
