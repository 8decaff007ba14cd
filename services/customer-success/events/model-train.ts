/** Fits a model when more is known of who left than the last one has seen, and keeps it with what it showed. */

import { LEAD_DAYS, WINDOW_DAYS } from '../domain/health/backtest.ts'
import type { Candidate, History } from '../domain/learn/candidate.ts'
import type { ChurnModel } from '../domain/learn/model.ts'
import { activeModel, historyUpTo, lastChurnDay, learnedUpTo, newestKnownDay, saveModel } from '../store/model.ts'
import { tables } from '../store/tables.ts'
import { scoredUpTo } from './closed-days.ts'
import { fitTicker } from './fit-ticker.ts'

export type FitTask = {
  readonly history: History
  readonly today: number
  readonly incumbent: ChurnModel | undefined
}

/** What the fit has learned from, and the version it is compared with. */
type FitNote = { readonly learnedUpTo: number; readonly comparedWith: number | undefined }

/** Who left is known of one more day a week, and in between a fit would give the same model to the bit. */
export const modelTrainTicker = fitTicker<FitTask, FitNote, Candidate>({
  name: 'model-train',
  version: 1,
  everyMs: 10_000,
  module: new URL('./model-worker.ts', import.meta.url),
  async plan(tx) {
    const today = await lastChurnDay(tx)
    // While a history is caught up with, each model would be old before it has scored a day.
    if (today === undefined || today !== (await scoredUpTo(tx))) return undefined
    const known = await newestKnownDay(tx, today, LEAD_DAYS + WINDOW_DAYS)
    const before = await learnedUpTo(tx)
    if (known === undefined || (before !== undefined && known <= before)) return undefined
    const history = await historyUpTo(tx, known)
    const active = await activeModel(tables(tx))
    return {
      task: { history, today, incumbent: active?.model },
      note: { learnedUpTo: known, comparedWith: active?.version },
    }
  },
  save: (tx, candidate, note, atMs) => saveModel(tx, candidate, { ...note, atMs }),
  // Told like any other, and tried again when more is known: at once it would fail again.
  failed: ({ message }) => ({
    isPromoted: false,
    reasons: [`It could not be fitted: ${message}`],
    model: undefined,
    backtest: undefined,
  }),
})
