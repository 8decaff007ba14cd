import { setImmediate } from 'node:timers/promises'

/**
 * For long work on one event loop: to be awaited between its steps. Goes on at once within a stretch of `ms`; after it,
 * other lanes and requests get their turn first.
 * @example
 * const breathe = createBreather()
 * for (const person of persons) {
 *   await breathe()
 *   count(person)
 * }
 */
export function createBreather(ms = 20): () => Promise<void> | undefined {
  let since = performance.now()
  return () => {
    if (performance.now() - since < ms) return undefined
    return setImmediate().then(() => {
      since = performance.now()
    })
  }
}
