/** What the service does, in numbers for Prometheus. */

import type { ServiceContext } from '@plimsoll/kit/service.ts'
import type { Metrics } from '@plimsoll/kit/telemetry/metrics.ts'
import { startOf } from '../domain/day.ts'
import { SLEEPING_DOG } from '../domain/playbook/suppression.ts'
import type { StepOutcome } from '../store/playbook-tables.ts'
import { closedDays, countOpenRisks } from '../store/progress.ts'
import type { Tables } from '../store/tables.ts'
import type { Taken } from '../store/usage.ts'

export type UsageCounter = (taken: Taken) => void

/** Events of a batch that is tried again are counted again. */
export function usageCounter(metrics: Metrics): UsageCounter {
  const events = metrics.counter(
    'plimsoll_customer_success_events_total',
    'Usage events by what became of them: stored, repeated, quarantined for their time, of who was erased.',
    ['outcome'],
  )
  return (taken) => {
    for (const [outcome, n] of Object.entries(taken)) if (n > 0) events.inc({ outcome }, n)
  }
}

/** How reasons on record begin; what follows names playbooks, alerts and persons, and is no label. */
const REASONS = [
  ...['held out', 'do not contact', 'no consent', SLEEPING_DOG, 'nobody to contact'],
  ...['critical alert', 'a severe ticket is open', 'playbook', 'contacted often enough', 'quiet hours', 'left'],
]

export type StepCounter = (outcome: StepOutcome, reason: string) => void

export function stepCounter(metrics: Metrics): StepCounter {
  const steps = metrics.counter(
    'plimsoll_customer_success_steps_total',
    'Steps of playbooks by what they came to, and why they were put off or not done.',
    ['outcome', 'reason'],
  )
  return (outcome, reason) => steps.inc({ outcome, reason: REASONS.find((one) => reason.startsWith(one)) ?? '' })
}

const EVERY_MS = 15_000

/** Tells what the database says, from every process alike: days are closed wherever the lease of a ticker is. */
export async function startProgress({
  reader,
  metrics,
  logger,
}: ServiceContext<unknown, Tables>): Promise<() => Promise<void>> {
  const closed = metrics.gauge(
    'plimsoll_customer_success_day_closed_seconds',
    'End of the last day that is closed, in seconds since 1970, by the ticker that closes it.',
    ['ticker'],
  )
  const open = metrics.gauge('plimsoll_customer_success_risks_open', 'Accounts with an open risk episode.')
  const look = async (): Promise<void> => {
    for (const [ticker, day] of await closedDays(reader)) {
      closed.set({ ticker }, startOf(day + 1) / 1_000)
    }
    open.set(await countOpenRisks(reader))
  }
  let looking = Promise.resolve()
  const timer = setInterval(() => {
    looking = look().catch((error: unknown) => logger.warn({ err: error }, 'the progress could not be read'))
  }, EVERY_MS)
  return async () => {
    clearInterval(timer)
    await looking
  }
}
