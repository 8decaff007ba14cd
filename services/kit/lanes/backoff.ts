/** Short enough that a lane is back soon after a long outage ends. */
const longestPauseMs = 3_000

/** Full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS 2015): spreads retries of many lanes over time. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return Math.ceil(random() * Math.min(longestPauseMs, 100 * 2 ** attempt))
}

/** Resolves after `ms`, or as soon as `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
