/** Learns for whom a playbook makes a difference, once both of its arms are large enough, and again as they grow. */

import { type fitUplift, LEAST_PER_ARM, type UpliftData } from '../domain/effect/uplift.ts'
import { countArms } from '../store/actions.ts'
import { tables } from '../store/tables.ts'
import { type Arms, findUplift, saveUplift, upliftRows } from '../store/uplift.ts'
import { fitTicker } from './fit-ticker.ts'

/** A tenth more accounts may say something else; a few more do not. */
const GROWN = 1.1

type FitNote = { readonly playbookId: string; readonly arms: Arms }

export const upliftTicker = fitTicker<UpliftData, FitNote, ReturnType<typeof fitUplift>>({
  name: 'uplift',
  version: 1,
  everyMs: 60_000,
  module: new URL('./uplift-worker.ts', import.meta.url),
  async plan(tx) {
    const byPlaybook = Map.groupBy(await countArms(tables(tx)), ({ playbookId }) => playbookId)
    for (const [playbookId, counts] of byPlaybook) {
      const of = (arm: string) => counts.find((one) => one.arm === arm)?.n ?? 0
      if (Math.min(of('treated'), of('holdout')) < LEAST_PER_ARM) continue
      const before = await findUplift(tables(tx), playbookId)
      if (before !== undefined && of('holdout') < GROWN * before.held_out) continue
      const task = await upliftRows(tx, playbookId)
      const treated = task.treated.reduce((sum, one) => sum + one, 0)
      // Of some nothing was kept: they were too young then, or it was too long ago.
      if (Math.min(treated, task.treated.length - treated) < LEAST_PER_ARM) continue
      return { task, note: { playbookId, arms: { treated: of('treated'), heldOut: of('holdout') } } }
    }
    return undefined
  },
  save: (tx, fitted, { playbookId, arms }, atMs) => saveUplift(tx, playbookId, { ...fitted, arms, atMs }),
})
