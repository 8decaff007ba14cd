import { randomUUID } from 'node:crypto'
import type { ServiceContext } from '@plimsoll/kit/service.ts'
import { createBatchPublisher } from '../batch/publisher.ts'
import type { SourceLedger } from '../sources/ledger.ts'
import { createCheckpoints } from './checkpoint.ts'
import { createPrometheusClient } from './client.ts'
import type { PullConfig } from './config.ts'
import { createPullIntake } from './intake.ts'
import { type PullState, pull } from './puller.ts'

export type PullWiring = {
  readonly ledger: SourceLedger
  /** For `GET /v1/gateway/sources`: how the pull stands, whenever that changes. */
  readonly onState: (state: PullState) => void
}

/**
 * Starts reading from the configured Prometheus, or nothing when there is none. The returned function stops it after
 * the query under way; what was begun is finished at the next start.
 */
export async function startPull(
  context: ServiceContext<PullConfig & { readonly GATEWAY_MAX_MESSAGE_BYTES: number }>,
  { ledger, onState }: PullWiring,
): Promise<() => Promise<void>> {
  const { config, log, clock, logger, db } = context
  const { PLIMSOLL_PROMETHEUS_URL: url, PLIMSOLL_PROMETHEUS_NAME: source } = config
  if (url === undefined) return async () => {}
  const limits = {
    maxSeriesPerSource: config.PLIMSOLL_PROMETHEUS_MAX_SERIES,
    maxMessageBytes: config.GATEWAY_MAX_MESSAGE_BYTES,
  }
  const stopped = new AbortController()
  const publisher = createBatchPublisher(log, clock, (error) =>
    logger.warn({ err: error, source }, 'A pulled batch was not acknowledged yet'),
  )
  let problem: string | undefined
  const running = pull(
    {
      source,
      metrics: config.PLIMSOLL_PROMETHEUS_METRICS,
      stepMs: config.PLIMSOLL_PROMETHEUS_STEP_SECONDS * 1_000,
      delayMs: config.PLIMSOLL_PROMETHEUS_DELAY_SECONDS * 1_000,
      backfillMs: config.PLIMSOLL_PROMETHEUS_BACKFILL_HOURS * 3_600_000,
      client: createPrometheusClient({
        url,
        token: config.PLIMSOLL_PROMETHEUS_TOKEN,
        user: config.PLIMSOLL_PROMETHEUS_USER,
        password: config.PLIMSOLL_PROMETHEUS_PASSWORD,
        queriesPerSecond: config.PLIMSOLL_PROMETHEUS_QUERIES_PER_SECOND,
      }),
      checkpoints: createCheckpoints(db, source, `${process.pid}-${randomUUID()}`),
      intake: createPullIntake(source, limits, publisher, clock),
      log,
      clock,
      ledger,
      onState(state) {
        if (state.problem !== problem) {
          if (state.problem !== undefined) logger.warn({ source }, state.problem)
          else logger.info({ source }, 'Reading from the Prometheus again')
          problem = state.problem
        }
        onState(state)
      },
    },
    stopped.signal,
  )
  return async () => {
    stopped.abort()
    publisher.stop()
    await running
  }
}
