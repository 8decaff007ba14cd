/** Everything a METRIC lane remembers between two batches. */

import { createFold, type Fold, type FoldLimits } from './fold.ts'
import { createWatch, type Watch } from './watch.ts'

export type Lane = {
  readonly fold: Fold
  readonly watch: Watch
  /** Numbers from this one on are not saved yet. */
  savedNumber: number
  /** Edges by key, with the hour in which they were last saved. */
  readonly savedEdges: Map<string, number>
  /** When silent endpoints were last looked after, gateway's clock, ms. */
  idleCheckedMs: number
  /** When it was last looked for what is gone, gateway's clock, ms. */
  sweptMs: number
  /** Pages have moved since the last save: there may be fewer of them. */
  compacted: boolean
  /** Watched series forgotten since the last save, by id. */
  forgotten: number[]
}

export function createLane(lane: number, limits: FoldLimits): Lane {
  return {
    fold: createFold(lane, limits),
    watch: createWatch(),
    savedNumber: 1,
    savedEdges: new Map(),
    idleCheckedMs: 0,
    sweptMs: 0,
    compacted: false,
    forgotten: [],
  }
}
