import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@plimsoll/kit/clock.ts'
import { AppError, describeError } from '@plimsoll/kit/errors.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { createOutcome } from '../decode/outcome.ts'
import type { SourceLedger } from '../sources/ledger.ts'
import { readAnswer } from './answer.ts'
import { type Checkpoint, type Checkpoints, renewEveryMs } from './checkpoint.ts'
import type { AnswerSeries, PrometheusClient } from './client.ts'
import type { Metadata } from './domain/kind.ts'
import { select } from './domain/selection.ts'
import { halves, nextSpan, type Span, stepFor, stepsOf } from './domain/span.ts'
import { nothingStored, type PullIntake, readStoredPoints, type StoredPoints } from './intake.ts'

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
/** A stretch is in memory whole before it is stored: about 30 MB at this many points. */
const mostPoints = 500_000
/** Until it is known how many series there are. */
const firstSteps = 20
const standbyMs = 5_000
/** A clock may be set meanwhile, so long steps are waited for in pieces. */
const longestWaitMs = 10_000

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
  let failures = 0
  let state: PullState = { activity: 'waiting', pulledUntilMs: undefined, metrics: 0, problem: undefined }
  const say: Say = (change) => {
    state = { ...state, ...change }
    options.onState(state)
  }
  const onProgress: Say = (change) => {
    failures = 0
    say({ problem: undefined, ...change })
  }
  while (!signal.aborted) {
    const lease = keepLease(checkpoints)
    try {
      const checkpoint = await checkpoints.hold()
      if (checkpoint === undefined) {
        say({ activity: 'standby', problem: undefined })
        await delay(standbyMs, undefined, { signal })
      } else await pullWhileHeld(options, checkpoint, onProgress, AbortSignal.any([signal, lease.lost]))
    } catch (error) {
      if (signal.aborted || lease.lost.aborted || error instanceof LeaseLost) continue
      failures += 1
      say({ activity: 'failing', problem: describeError(error) })
      const pauseMs = Math.min(longestBackoffMs, 1_000 * 2 ** (failures - 1)) * (0.5 + Math.random() / 2)
      await delay(pauseMs, undefined, { signal }).catch(() => {})
    } finally {
      lease.stop()
    }
  }
  await checkpoints.release().catch(() => {})
}

/** Renews the lease while work goes on, also through an outage of the broker; `lost` aborts when another process has it. */
function keepLease(checkpoints: Checkpoints): { readonly lost: AbortSignal; stop(): void } {
  const lost = new AbortController()
  const renew = async () => {
    if (!(await checkpoints.renew())) lost.abort(new LeaseLost())
  }
  // While the database is away nobody else can take the lease either.
  const timer = setInterval(() => void renew().catch(() => {}), renewEveryMs)
  return { lost: lost.signal, stop: () => clearInterval(timer) }
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
  let steps = firstSteps
  while (!signal.aborted) {
    if (catalogue === undefined || clock.now() - catalogue.atMs >= discoverEveryMs) {
      catalogue = await discover(options, signal)
    }
    const settledMs = clock.now() - options.delayMs
    const span = begun?.span ?? nextSpan(pulledUntilMs, settledMs, catalogue.stepMs, options.backfillMs, steps)
    const metrics = catalogue.names.length
    if (span === undefined) {
      onProgress({ activity: 'waiting', pulledUntilMs, metrics, problem: nothingToRead(catalogue) })
      await waitForStep(options, catalogue.stepMs, signal)
      continue
    }
    const stored = begun === undefined ? nothingStored : await readStoredPoints(log, source, begun.atMs)
    if (begun === undefined && !(await checkpoints.begin(span))) throw new LeaseLost()
    const points = await pullSpan(options, span, catalogue, stored, signal)
    if (!(await checkpoints.finish(span))) throw new LeaseLost()
    steps = Math.max(1, Math.floor((mostPoints * stepsOf(span)) / Math.max(1, points)))
    pulledUntilMs = span.untilMs
    begun = undefined
    onProgress({ activity: 'reading', pulledUntilMs, metrics })
  }
}

const nothingToRead = ({ names }: Catalogue): string | undefined =>
  names.length > 0 ? undefined : 'No metric there matches PLIMSOLL_PROMETHEUS_METRICS: widen the pattern.'

/** Waits until another whole step has settled. */
async function waitForStep({ clock, delayMs }: PullerOptions, stepMs: number, signal: AbortSignal): Promise<void> {
  const settledMs = clock.now() - delayMs
  await delay(Math.min(stepMs - (settledMs % stepMs), longestWaitMs), undefined, { signal })
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

/** All metrics over one stretch, then all of it stored in order of time. Returns the number of points. */
async function pullSpan(
  options: PullerOptions,
  span: Span,
  catalogue: Catalogue,
  stored: StoredPoints,
  signal: AbortSignal,
): Promise<number> {
  const { checkpoints, intake, ledger, source } = options
  const { registry, columns, store } = intake.open()
  const outcome = createOutcome()
  const read = (answer: readonly AnswerSeries[]) => readAnswer(answer, catalogue.metadata, registry, columns, outcome)
  for (const name of catalogue.names) await readMetric(options, name, span, read, signal)
  // The log has no fence: what is published by a process that has lost the source would be doubled.
  if (!(await checkpoints.renew())) throw new LeaseLost()
  await store(span, stored)
  ledger.refuseAll(source, 'prometheus-pull', outcome)
  ledger.accept(source, 'prometheus-pull', 0, outcome, span.untilMs)
  return outcome.samples + outcome.histograms
}

/** One metric over one stretch; in halves where the answer is too large. What the server refuses is counted, not retried. */
async function readMetric(
  options: PullerOptions,
  name: string,
  span: Span,
  read: (answer: readonly AnswerSeries[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const { client, ledger, source } = options
  try {
    read(await client.range(name, span, signal))
  } catch (error) {
    const code = error instanceof AppError ? error.code : undefined
    if (code === 'bad-request') {
      ledger.refuse(source, 'prometheus-pull', 'query-refused', 1, `${name}: ${describeError(error)}`)
      return
    }
    if (code !== 'too-large') throw error
    const parts = halves(span)
    if (parts === undefined) {
      ledger.refuse(source, 'prometheus-pull', 'answer-too-large', 1, `${name}: ${describeError(error)}`)
    } else for (const part of parts) await readMetric(options, name, part, read, signal)
  }
}
