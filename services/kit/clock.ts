/** The one way wall-clock time enters. Milliseconds since the epoch. */
export type Clock = { readonly now: () => number }

export const systemClock: Clock = { now: () => Date.now() }

/**
 * A clock that a test moves by hand.
 * @example const clock = manualClock(0); clock.advance(1_000); clock.now() // 1000
 */
export function manualClock(startMs: number): Clock & { advance(ms: number): void } {
  let now = startMs
  return {
    now: () => now,
    advance(ms) {
      now += ms
    },
  }
}
