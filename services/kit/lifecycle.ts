import type { Logger } from 'pino'
import { describeError } from './errors.ts'

type Step = { readonly name: string; readonly stop: () => Promise<void> | void }
export type Check = () => string | undefined | Promise<string | undefined>

/** What runs, in the order it was started, and whether it is in a state to serve. */
export type Lifecycle = {
  /** Registers how to stop something that has just started. The last registered is stopped first. */
  onStop(name: string, stop: () => Promise<void> | void): void
  /** `check` returns why its part is not ready, undefined when it is; it does not reject. */
  addCheck(name: string, check: Check): void
  /** Why the process is not ready, by part; empty when everything is. */
  notReady(): Promise<Readonly<Record<string, string>>>
  /** Start-up is over: from now on the checks alone decide. */
  started(): void
  draining(): boolean
  /** Stops everything in order, each step at most once; resolves when all is stopped or the time is over. */
  stop(): Promise<void>
}

/**
 * Ordered start and stop. A step that fails or hangs is logged and does not keep the later ones from running.
 * @example const lifecycle = createLifecycle(logger, 20_000); lifecycle.onStop('database', () => pool.end())
 */
export function createLifecycle(logger: Logger, drainWithinMs: number): Lifecycle {
  const steps: Step[] = []
  const checks = new Map<string, Check>()
  let phase: 'starting' | 'running' | 'draining' = 'starting'
  let stopped: Promise<void> | undefined

  async function drain(): Promise<void> {
    const deadline = performance.now() + drainWithinMs
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      const { name, stop } = step
      try {
        // Every step gets a moment, even when an earlier one has used the time up.
        await within(Math.max(deadline - performance.now(), 1_000), stop)
        logger.debug({ step: name }, 'stopped')
      } catch (error) {
        logger.error({ step: name, err: error }, `stopping ${name}: ${describeError(error)}`)
      }
    }
  }

  return {
    onStop: (name, stop) => void steps.push({ name, stop }),
    addCheck: (name, check) => void checks.set(name, check),
    async notReady() {
      if (phase !== 'running') return { process: phase }
      const reasons = await Promise.all([...checks].map(async ([name, check]) => [name, await check()] as const))
      return Object.fromEntries(reasons.flatMap(([name, reason]) => (reason === undefined ? [] : [[name, reason]])))
    },
    started() {
      if (phase === 'starting') phase = 'running'
    },
    draining: () => phase === 'draining',
    stop() {
      phase = 'draining'
      stopped ??= drain()
      return stopped
    },
  }
}

async function within(ms: number, stop: Step['stop']): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not stopped within ${Math.round(ms / 1000)} s`)), ms)
  })
  try {
    await Promise.race([stop(), tooLong])
  } finally {
    clearTimeout(timer)
  }
}
