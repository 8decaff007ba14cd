import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@plimsoll/kit/clock.ts'
import { AppError, describeError } from '@plimsoll/kit/errors.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { createOutcome } from '../decode/outcome.ts'
import type { SourceLedger } from '../sources/ledger.ts'
import { readAnswer } from './answer.ts'
import { type Checkpoint, type Checkpoints, renewEveryMs } from './checkpoint.ts'
import type { PrometheusClient } from './client.ts'
import type { Metadata } from './domain/kind.ts'
import { select } from './domain/selection.ts'
import { halves, nextSpan, type Span, stepFor } from './domain/span.ts'
import { type PullIntake, readStoredParts, type StoredParts } from './intake.ts'

/** What `GET /v1/gateway/sources` shows of the pull. */
export type PullState = {
  readonly activity: 'reading' | 'waiting' | 'standby' | 'failing'
  /** Everything up to here is durable, ms since the epoch. */
  readonly pulledUntilMs: number | undefined
  readonly metrics: number
  /** What keeps it from reading, and what to do; undefined while nothing does. */
  readonly problem: string | undefined
}

export type PullerOptions = {
  readonly source: string
  readonly metrics: string
  /** 0: as the server scrapes. */
  readonly stepMs: number
  readonly delayMs: number
  readonly backfillMs: number
  readonly client: PrometheusClient
  readonly checkpoints: Checkpoints
  readonly intake: PullIntake
  readonly log: EventLog
  readonly clock: Clock
  readonly ledger: SourceLedger
  readonly onState: (state: PullState) => void
}

const fallbackStepMs = 30_000
const discoverEveryMs = 5 * 60_000
const longestBackoffMs = 60_000
const standbyMs = 5_000

type Catalogue = {
  readonly names: readonly string[]
  readonly metadata: Metadata
  readonly stepMs: number
  readonly atMs: number
}

class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

type Say = (change: Partial<PullState>) => void

/** Reads until `signal` aborts: stretch after stretch while there is history, then once a step. Never rejects. */
export async function pull(options: PullerOptions, signal: AbortSignal): Promise<void> {
  const { checkpoints } = options
  let state: PullState = { activity: 'waiting', pulledUntilMs: undefined, metrics: 0, problem: undefined }
  const say: Say = (change) => {
    state = { ...state, ...change }
    options.onState(state)
  }
  for (let failures = 0; !signal.aborted; ) {
    try {
      const checkpoint = await checkpoints.hold()
      if (checkpoint === undefined) {
        say({ activity: 'standby', problem: undefined })
        await delay(standbyMs, undefined, { signal })
        continue
      }
      const onProgress: Say = (change) => {
        failures = 0
        say({ problem: undefined, ...change })
      }
      await pullWhileHeld(options, checkpoint, onProgress, signal)
    } catch (error) {
      if (signal.aborted) break
      if (error instanceof LeaseLost) continue
      failures += 1
      say({ activity: 'failing', problem: describeError(error) })
      const pauseMs = Math.min(longestBackoffMs, 1_000 * 2 ** (failures - 1)) * (0.5 + Math.random() / 2)
      await delay(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
  await checkpoints.release().catch(() => {})
}

async function pullWhileHeld(
  options: PullerOptions,
  checkpoint: Checkpoint,
  onProgress: Say,
  signal: AbortSignal,
): Promise<void> {
  const { clock, checkpoints, source, log } = options
  let { pulledUntilMs, begun } = checkpoint
  let catalogue: Catalogue | undefined
  while (!signal.aborted) {
    if (catalogue === undefined || clock.now() - catalogue.atMs >= discoverEveryMs)
      catalogue = await discover(options, signal)
    const settledMs = clock.now() - options.delayMs
    const span = begun?.span ?? nextSpan(pulledUntilMs, settledMs, catalogue.stepMs, options.backfillMs)
    const metrics = catalogue.names.length
    if (span === undefined) {
      onProgress({ activity: 'waiting', pulledUntilMs, metrics, problem: nothingToRead(catalogue) })
      await waitForStep(options, catalogue.stepMs, signal)
      continue
    }
    const stored: StoredParts = begun === undefined ? new Map() : await readStoredParts(log, source, begun.atMs)
    if (begun === undefined && !(await checkpoints.begin(span))) throw new LeaseLost()
    await pullSpan(options, span, catalogue, stored, signal)
    if (!(await checkpoints.finish(span))) throw new LeaseLost()
    pulledUntilMs = span.untilMs
    onProgress({ activity: 'reading', pulledUntilMs, metrics })
    begun = undefined
  }
}

const nothingToRead = ({ names }: Catalogue): string | undefined =>
  names.length > 0 ? undefined : 'No metric there matches PLIMSOLL_PROMETHEUS_METRICS: widen the pattern.'

/** Waits until another whole step has settled, and keeps the lease meanwhile. */
async function waitForStep(
  { clock, delayMs, checkpoints }: PullerOptions,
  stepMs: number,
  signal: AbortSignal,
): Promise<void> {
  const settledMs = clock.now() - delayMs
  await delay(Math.min(stepMs - (settledMs % stepMs), renewEveryMs), undefined, { signal })
  if (!(await checkpoints.renew())) throw new LeaseLost()
}

async function discover(
  { client, clock, metrics, stepMs, backfillMs }: PullerOptions,
  signal: AbortSignal,
): Promise<Catalogue> {
  const now = clock.now()
  const names = await client.names(now - Math.max(backfillMs, 3_600_000), now, signal)
  const metadata = await client.metadata(signal)
  const measured = stepMs > 0 ? undefined : await client.scrapeIntervalSeconds(signal)
  const step = stepMs > 0 ? stepMs : measured === undefined ? fallbackStepMs : stepFor(measured) * 1_000
  return { names: select(names, metrics), metadata, stepMs: step, atMs: now }
}

async function pullSpan(
  options: PullerOptions,
  span: Span,
  catalogue: Catalogue,
  stored: StoredParts,
  signal: AbortSignal,
): Promise<void> {
  const { checkpoints, clock } = options
  let renewedAt = clock.now()
  for (const name of catalogue.names) {
    await pullMetric(options, name, span, catalogue.metadata, stored, signal)
    if (clock.now() - renewedAt >= renewEveryMs) {
      if (!(await checkpoints.renew())) throw new LeaseLost()
      renewedAt = clock.now()
    }
  }
}

/** One metric over one stretch; in halves where the answer is too large. What the server refuses is counted, not retried. */
async function pullMetric(
  options: PullerOptions,
  name: string,
  span: Span,
  metadata: Metadata,
  stored: StoredParts,
  signal: AbortSignal,
): Promise<void> {
  const { client, intake, ledger, source } = options
  try {
    const answer = await client.range(name, span, signal)
    const outcome = createOutcome()
    await intake.take(name, span, stored, (registry, columns) =>
      readAnswer(answer, metadata, registry, columns, outcome),
    )
    ledger.refuseAll(source, 'prometheus-pull', outcome)
    ledger.accept(source, 'prometheus-pull', 0, outcome, span.untilMs)
  } catch (error) {
    const code = error instanceof AppError ? error.code : undefined
    if (code === 'bad-request') {
      ledger.refuse(source, 'prometheus-pull', 'query-refused', 1, `${name}: ${describeError(error)}`)
      return
    }
    if (code !== 'too-large') throw error
    const parts = halves(span)
    if (parts === undefined)
      ledger.refuse(source, 'prometheus-pull', 'answer-too-large', 1, `${name}: ${describeError(error)}`)
    else for (const part of parts) await pullMetric(options, name, part, metadata, stored, signal)
  }
}
