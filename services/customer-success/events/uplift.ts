/** Learns for whom a playbook makes a difference, once both of its arms are large enough, and again as they grow. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'
import { type fitUplift, LEAST_PER_ARM } from '../domain/effect/uplift.ts'
import { allTables } from '../store/account-states.ts'
import { countArms } from '../store/actions.ts'
import { type Arms, findUplift, saveUplift, upliftRows } from '../store/uplift.ts'
import { inThread } from './in-thread.ts'

/** A tenth more accounts may say something else; a few more do not. */
const GROWN = 1.1

type Fitted = ReturnType<typeof fitUplift>
/** A fit that is under way in its thread, and what came of it once it has ended. */
type Fit = { readonly playbookId: string; readonly arms: Arms; ended: Fitted | Error | undefined }

/** No transaction is open while a model is fitted: one tick reads and starts it, a later one writes what came of it. */
export const upliftTicker: Ticker<{ fit: Fit | undefined }> = {
  name: 'uplift',
  version: 1,
  lanes: 1,
  everyMs: 60_000,
  load: async () => ({ fit: undefined }),
  async tick(state, tx, { now }) {
    const { fit } = state
    if (fit === undefined) {
      state.fit = await startFit(tx)
      return {}
    }
    if (fit.ended === undefined) return {}
    state.fit = undefined
    if (fit.ended instanceof Error) throw fit.ended
    await saveUplift(tx, fit.playbookId, { ...fit.ended, arms: fit.arms, atMs: now() })
    return {}
  },
}

async function startFit(tx: WorkerTransaction): Promise<Fit | undefined> {
  const byPlaybook = Map.groupBy(await countArms(allTables(tx)), ({ playbookId }) => playbookId)
  for (const [playbookId, counts] of byPlaybook) {
    const of = (arm: string) => counts.find((one) => one.arm === arm)?.n ?? 0
    if (Math.min(of('treated'), of('holdout')) < LEAST_PER_ARM) continue
    const before = await findUplift(allTables(tx), playbookId)
    if (before !== undefined && of('holdout') < GROWN * before.held_out) continue
    const data = await upliftRows(tx, playbookId)
    const treated = data.treated.reduce((sum, one) => sum + one, 0)
    // Of some nothing was kept: they were too young then, or it was too long ago.
    if (Math.min(treated, data.treated.length - treated) < LEAST_PER_ARM) continue
    const arms = { treated: of('treated'), heldOut: of('holdout') }
    const fit: Fit = { playbookId, arms, ended: undefined }
    inThread<Fitted>(new URL('./uplift-worker.ts', import.meta.url), data).then(
      (fitted) => {
        fit.ended = fitted
      },
      (error: Error) => {
        fit.ended = error
      },
    )
    return fit
  }
  return undefined
}
