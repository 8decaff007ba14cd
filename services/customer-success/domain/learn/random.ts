/** Reproducible chance: folds, samples of rows and bootstrap draws come from here, so that a fit repeats to the bit. */

/** Uniform in [0, 1). Mulberry32 by T. Ettinger, public domain. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Fold of an entity, 0 to folds - 1. Depends on its name alone, so every row of one entity falls into the same fold. */
export function foldOf(entity: string, folds: number, seed: number): number {
  // FNV-1a, 32 bit (Fowler, Noll, Vo), finished by Murmur3's mix because its low bits alone are weak.
  let hash = 0x811c9dc5 ^ seed
  for (let i = 0; i < entity.length; i++) hash = Math.imul(hash ^ entity.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % folds
}
