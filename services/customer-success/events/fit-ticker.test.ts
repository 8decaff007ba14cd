import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { describe, expect, test } from 'vitest'
import { type FitState, type Fitting, fitTicker } from './fit-ticker.ts'

type Sum = { readonly sum: number }

/** The thread adds what it is given. */
const adding = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, workerData } from 'node:worker_threads'
    parentPort.postMessage({ sum: workerData.reduce((a, b) => a + b) })`)}`,
)

/** Nothing here is stored: the transaction is only handed on. */
const tx = {} as WorkerTransaction
const context = { lane: 0, now: () => 1_000 }

function tickerOf(task: readonly number[], failed?: Fitting<unknown, unknown, Sum>['failed']) {
  const saved: unknown[] = []
  const ticker = fitTicker<readonly number[], string, Sum>({
    ...{ name: 'sums', version: 1, everyMs: 1_000, module: adding, ...(failed && { failed }) },
    plan: async () => (saved.length === 0 ? { task, note: 'of three' } : undefined),
    save: async (_tx, { sum }, note, atMs) => void saved.push({ sum, note, atMs }),
  })
  return { ticker, saved }
}

async function ended(state: FitState<string, Sum>): Promise<void> {
  await expect.poll(() => state.fit?.ended, { timeout: 5_000 }).toBeDefined()
}

describe('a fit in a thread', () => {
  test('is started by one tick and saved, with what was noted, by a later one', async () => {
    const { ticker, saved } = tickerOf([1, 2, 4])
    const state = await ticker.load(tx, context)
    await ticker.tick(state, tx, context)
    expect(saved).toEqual([])

    await ended(state)
    await ticker.tick(state, tx, context)
    expect(saved).toEqual([{ sum: 7, note: 'of three', atMs: 1_000 }])

    // Nothing more is planned, so nothing is started.
    await ticker.tick(state, tx, context)
    expect(state.fit).toBeUndefined()
  })

  test('that fails, fails the tick that learns of it, and is planned anew', async () => {
    const { ticker, saved } = tickerOf([])
    const state = await ticker.load(tx, context)
    await ticker.tick(state, tx, context)
    await ended(state)
    await expect(ticker.tick(state, tx, context)).rejects.toThrow('Reduce of empty array')
    expect(saved).toEqual([])
    await ticker.tick(state, tx, context)
    expect(state.fit).toBeDefined()
  })

  test('that fails is saved as what is made of the failure, where something is', async () => {
    const { ticker, saved } = tickerOf([], () => ({ sum: -1 }))
    const state = await ticker.load(tx, context)
    await ticker.tick(state, tx, context)
    await ended(state)
    await ticker.tick(state, tx, context)
    expect(saved).toEqual([{ sum: -1, note: 'of three', atMs: 1_000 }])
  })
})
