import type { Clock } from '@plimsoll/kit/clock.ts'

/** A source that has sent nothing for this long is forgotten, ms: pushes and scrapes come more often than that. */
export const QUIET_MS = 15 * 60_000

/** What is kept of each source while it sends. Bounded by the sources of the last QUIET_MS, not by all there ever were. */
export type PerSource<T> = {
  /** Made when the source is new, or what is kept of it worn: ask again for every request. */
  of(source: string): T
  all(): Iterable<T>
}

/**
 * Whatever is given back is flushed first: requests in it are sent and answered as if it were kept. Quiet sources are
 * looked for whenever another one sends, and by a timer, for when all have stopped.
 */
export function createPerSource<T extends { flush(): void }>(
  clock: Clock,
  make: (source: string) => T,
  isWorn: (kept: T) => boolean = () => false,
): PerSource<T> {
  /** In the order in which they were heard of last. */
  const sources = new Map<string, { readonly kept: T; readonly heardMs: number }>()

  let timer: NodeJS.Timeout | undefined

  function giveBackQuiet(nowMs: number): void {
    for (const [source, { kept, heardMs }] of sources) {
      if (nowMs - heardMs < QUIET_MS) return
      kept.flush()
      sources.delete(source)
    }
  }

  function lookLater(): void {
    if (timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      giveBackQuiet(clock.now())
      if (sources.size > 0) lookLater()
    }, QUIET_MS).unref()
  }

  return {
    of(source) {
      const nowMs = clock.now()
      let kept = sources.get(source)?.kept
      if (kept !== undefined && isWorn(kept)) {
        kept.flush()
        kept = undefined
      }
      kept ??= make(source)
      sources.delete(source)
      sources.set(source, { kept, heardMs: nowMs })
      giveBackQuiet(nowMs)
      lookLater()
      return kept
    },
    *all() {
      for (const { kept } of sources.values()) yield kept
    },
  }
}
