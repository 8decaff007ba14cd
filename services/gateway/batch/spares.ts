/** Arrays that batches gather their rows in, again and again: most batches are the size of the ones before. */
export type Spares<T> = {
  take(): T
  giveBack(spare: T): void
}

/** As many as are filled at once by a busy gateway; a burst of more must not keep its memory for ever. */
const MOST_SPARES = 32

export function createSpares<T>(make: () => T): Spares<T> {
  const spares: T[] = []
  return {
    take: () => spares.pop() ?? make(),
    giveBack(spare) {
      if (spares.length < MOST_SPARES) spares.push(spare)
    },
  }
}
