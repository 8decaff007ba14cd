/** Performs what the ledger intends, in every process of the service beside each other. */

import type { Logger } from 'pino'
import type { WorkerDatabase } from '../db/database.ts'
import { describeError, isTransient } from '../errors.ts'
import { backoffMs, pause } from '../lanes/backoff.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { type Claimed, claimDue, type Settlement, settle, takeUpLost } from './ledger.ts'
import { ATTEMPT_MS, type Performed, type Performer } from './performer.ts'

export type LedgerOptions = {
  readonly service: string
  readonly db: WorkerDatabase<unknown>
  /** By kind; kinds without a performer wait. */
  readonly performers: Readonly<Record<string, Performer>>
  readonly logger: Logger
  readonly metrics: Metrics
  readonly atOnce?: number
  readonly everyMs?: number
  /** How long an attempt belongs to the process that began it. */
  readonly claimMs?: number
  readonly random?: () => number
}

const FIRST_RETRY_MS = 2_000
const LONGEST_RETRY_MS = 3_600_000

/**
 * Pause after a failed attempt: doubles up to an hour, less up to a half at random, so that what failed together is not
 * tried together again ("equal jitter": M. Brooker, "Exponential Backoff And Jitter", AWS 2015).
 */
export function retryDelayMs(attempt: number, random: () => number): number {
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1))
  return Math.round(longest * (1 - random() / 2))
}

/** What becomes of an effect by what came of its attempt. */
export function settlementOf(
  performed: Performed,
  { repeatable }: Pick<Performer, 'repeatable'>,
  { attempt, triesLeft }: Pick<Claimed, 'attempt' | 'triesLeft'>,
  random: () => number,
): Settlement {
  const { kind: outcome, answer } = performed
  const ended = (state: Settlement['state']): Settlement => ({ state, outcome, answer, dueInMs: 0 })
  switch (performed.kind) {
    case 'done':
    case 'cancelled':
      return ended(performed.kind)
    case 'unsure':
      if (!repeatable) return ended('unsure')
      break
    case 'failed':
      if (performed.final) return ended('dead')
  }
  if (triesLeft <= 0) return ended('dead')
  const asked = performed.kind === 'failed' ? (performed.retryAfterMs ?? 0) : 0
  return { state: 'waiting', outcome, answer, dueInMs: Math.max(asked, retryDelayMs(attempt, random)) }
}

/**
 * Starts performing; the function it returns stops taking up effects and resolves when those under way are settled.
 * @example const stop = startLedger({ service: 'customer-success', db, performers: { webhook }, logger, metrics })
 */
export function startLedger(options: LedgerOptions): () => Promise<void> {
  const { db, performers, logger, atOnce = 8, everyMs = 500, claimMs = 4 * ATTEMPT_MS, random = Math.random } = options
  const all = Object.keys(performers)
  const repeatable = all.filter((kind) => performers[kind]?.repeatable)
  const counter = options.metrics.counter('plimsoll_effect_total', 'Attempts at side effects, by what came of them', [
    'service',
    'kind',
    'state',
  ])
  const count = (kind: string, state: string) => counter.inc({ service: options.service, kind, state })
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()

  async function take(): Promise<void> {
    for (const { key, kind, state } of await takeUpLost(db, { repeatable, all })) {
      logger.warn({ key, kind, state }, 'took up an effect whose process had ended')
      count(kind, state)
    }
    while (running.size < atOnce && !stopping.signal.aborted) {
      const claimed = await claimDue(db, all, { limit: atOnce - running.size, claimMs })
      for (const one of claimed) {
        const work = perform(one).finally(() => running.delete(work))
        running.add(work)
      }
      if (claimed.length === 0) return
    }
  }

  async function perform(claimed: Claimed): Promise<void> {
    const performer = performers[claimed.kind]
    if (performer === undefined) return
    const performed = await performer
      .perform(claimed)
      .catch((error: unknown): Performed => ({ kind: 'unsure', answer: describeError(error) }))
    const settlement = settlementOf(performed, performer, claimed, random)
    count(claimed.kind, settlement.state)
    if (settlement.state !== 'done') {
      logger.warn({ key: claimed.key, kind: claimed.kind, ...settlement }, 'an effect did not come about')
    }
    await keep(claimed, settlement)
  }

  /** Forgetting an outcome would repeat or hold what is known: a database that is away is waited for. */
  async function keep(claimed: Claimed, settlement: Settlement): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        if (!(await settle(db, claimed, settlement)))
          logger.error({ key: claimed.key, settlement }, 'an effect was settled after its claim had run out')
        return
      } catch (error) {
        if (!isTransient(error) || stopping.signal.aborted) {
          logger.error({ err: error, key: claimed.key, settlement }, 'the outcome of an effect was lost')
          return
        }
        await pause(backoffMs(tries), stopping.signal)
      }
    }
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await take().catch((error: unknown) => logger.warn({ err: error }, 'the ledger could not be read, trying again'))
      await (running.size < atOnce ? pause(everyMs, stopping.signal) : Promise.race(running))
    }
    await Promise.all(running)
  }

  const done = loop()
  return () => {
    stopping.abort()
    return done
  }
}
