/** A ticker that fits a model in a thread of its own: computes for up to a minute while nothing else has to wait. */

import { Worker } from 'node:worker_threads'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'

/** What a fit is made of (`task`, which its thread gets) and what is remembered of it until it has ended. */
export type FitPlan<Task, Note> = { readonly task: Task; readonly note: Note }

/** What is fitted, when, and what becomes of it. */
export type Fitting<Task, Note, Fitted> = Pick<Ticker<unknown>, 'name' | 'version' | 'everyMs'> & {
  /** The thread's module: gets the task as `workerData` and posts one message, what it fitted. */
  readonly module: URL
  /** Undefined when nothing new is to be learned. */
  plan(tx: WorkerTransaction): Promise<FitPlan<Task, Note> | undefined>
  save(tx: WorkerTransaction, fitted: Fitted, note: Note, atMs: number): Promise<void>
  /** What is saved of a fit that failed. Without it the tick fails as well, and the lane plans anew. */
  readonly failed?: (error: Error) => Fitted
}

/** The fit that is under way, and what came of it once it has ended. */
export type FitState<Note, Fitted> = {
  fit: { readonly note: Note; ended: Fitted | Error | undefined } | undefined
}

/** No transaction is open during a fit: one tick reads and starts it, a later one writes what came of it. */
export function fitTicker<Task, Note, Fitted extends object>(
  fitting: Fitting<Task, Note, Fitted>,
): Ticker<FitState<Note, Fitted>> {
  const { name, version, everyMs, module, plan, save, failed } = fitting
  return {
    ...{ name, version, everyMs, lanes: 1 },
    load: async () => ({ fit: undefined }),
    async tick(state, tx, { now }) {
      if (state.fit === undefined) {
        const next = await plan(tx)
        if (next !== undefined) state.fit = start(next)
        return {}
      }
      const { note, ended } = state.fit
      if (ended === undefined) return {}
      state.fit = undefined
      if (ended instanceof Error) throw ended
      await save(tx, ended, note, now())
      return {}
    },
  }

  function start({ task, note }: FitPlan<Task, Note>): FitState<Note, Fitted>['fit'] {
    const fit: FitState<Note, Fitted>['fit'] = { note, ended: undefined }
    inThread<Fitted>(module, task)
      .catch((error: Error) => failed?.(error) ?? error)
      .then((ended) => {
        fit.ended = ended
      })
    return fit
  }
}

function inThread<Result>(module: URL, workerData: unknown): Promise<Result> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(module, { workerData })
    // A process that ends need not wait for it: whoever takes over computes it again.
    worker.unref()
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`The thread of ${module.pathname} ended with code ${code}.`)))
  })
}
