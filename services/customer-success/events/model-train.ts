/** Fits a model when more is known of who left than the last one has seen, and keeps it with what it showed. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'
import { LEAD_DAYS, WINDOW_DAYS } from '../domain/health/backtest.ts'
import type { ChurnModel } from '../domain/learn/model.ts'
import type { History, Night } from '../domain/learn/night.ts'
import {
  activeModel,
  historyUpTo,
  lastChurnDay,
  learnedUpTo,
  modelTables,
  newestKnownDay,
  saveModel,
} from '../store/model.ts'
import { scoredUpTo } from './closed-days.ts'
import { inThread } from './in-thread.ts'

export type FitTask = {
  readonly history: History
  readonly today: number
  readonly incumbent: ChurnModel | undefined
}

/** A fit that is under way in its thread, and what came of it once it has ended. */
type Fit = {
  readonly learnedUpTo: number
  readonly comparedWith: number | undefined
  night: Night | undefined
}

/** No transaction is open while a model is fitted: one tick reads and starts it, a later one writes what came of it. */
export const modelTrainTicker: Ticker<{ fit: Fit | undefined }> = {
  name: 'model-train',
  version: 1,
  lanes: 1,
  everyMs: 10_000,
  load: async () => ({ fit: undefined }),
  async tick(state, tx, { now }) {
    const { fit } = state
    if (fit === undefined) {
      state.fit = await startFit(tx)
      return {}
    }
    if (fit.night === undefined) return {}
    await saveModel(tx, fit.night, { ...fit, atMs: now() })
    state.fit = undefined
    return {}
  },
}

/** Who left is known of one more day a week, and in the nights between a fit would give the same model to the bit. */
async function startFit(tx: WorkerTransaction): Promise<Fit | undefined> {
  const today = await lastChurnDay(tx)
  // While a history is caught up with, each model would be old before it has scored a day.
  if (today === undefined || today !== (await scoredUpTo(tx))) return undefined
  const known = await newestKnownDay(tx, today, LEAD_DAYS + WINDOW_DAYS)
  const before = await learnedUpTo(tx)
  if (known === undefined || (before !== undefined && known <= before)) return undefined
  const history = await historyUpTo(tx, known)
  const active = await activeModel(modelTables(tx))
  const fit: Fit = { learnedUpTo: known, comparedWith: active?.version, night: undefined }
  const task: FitTask = { history, today, incumbent: active?.model }
  inThread<Night>(new URL('./model-worker.ts', import.meta.url), task).then(
    (night) => {
      fit.night = night
    },
    // Told like any other, and tried again when more is known: at once it would fail again.
    ({ message }: Error) => {
      fit.night = {
        isPromoted: false,
        reasons: [`It could not be fitted: ${message}`],
        model: undefined,
        backtest: undefined,
      }
    },
  )
  return fit
}
