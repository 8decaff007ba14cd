import { isTransient } from '@plimsoll/kit/errors.ts'
import type { Service, ServiceContext } from '@plimsoll/kit/service.ts'
import type { Static } from 'typebox'
import { gatewayConfig } from './config.ts'
import { hookRoutes } from './hooks/routes.ts'
import { otlpRoutes } from './http/otlp.ts'
import { remoteWriteRoutes } from './http/remotewrite.ts'
import { type PullStates, sourcesRoute } from './http/sources.ts'
import { createIngestion, type Ingestion } from './ingestion.ts'
import { startPull } from './pull/start.ts'
import { exposeIngestion } from './sources/metrics.ts'
import { scrapeSelf } from './sources/selfscrape.ts'
import { saveSources } from './store/sources.ts'
import type { GatewayTables } from './store/tables.ts'
import { createUsageIntake, type UsageIntake } from './usage/intake.ts'
import { usageRoutes } from './usage/routes.ts'

type Context = ServiceContext<Static<typeof gatewayConfig>, GatewayTables>

/** What routes and the start hook share. */
type Parts = { readonly ingestion: Ingestion; readonly usage: UsageIntake; readonly pulls: PullStates }

/** Counts of the last seconds are what a crash may lose; the telemetry itself is in the log. */
const SAVE_EVERY_MS = 5_000
const DRAIN_WITHIN_MS = 10_000
/** Usage is sent by people's devices, an event or a few at a time: it waits less for company than telemetry does, ms. */
const USAGE_LINGER_MS = 5

const partsOf = new WeakMap<Context, Parts>()

function parts(context: Context): Parts {
  const known = partsOf.get(context)
  if (known !== undefined) return known
  const { config, log, clock, logger } = context
  const limits = {
    maxSeriesPerSource: config.GATEWAY_MAX_SERIES,
    lingerMs: config.GATEWAY_LINGER_MS,
    maxMessageBytes: config.GATEWAY_MAX_MESSAGE_BYTES,
    maxInFlightBytes: config.GATEWAY_MAX_IN_FLIGHT_BYTES,
    answerWithinMs: config.GATEWAY_ANSWER_WITHIN_MS,
  }
  const onRetry = (error: unknown) =>
    logger.warn({ err: error }, 'The broker did not acknowledge a batch; trying again')
  const ingestion = createIngestion(log, clock, limits, onRetry)
  const usageLimits = { ...limits, lingerMs: Math.min(USAGE_LINGER_MS, config.GATEWAY_LINGER_MS) }
  const usage = createUsageIntake(log, clock, ingestion.ledger, usageLimits, onRetry)
  const made = { ingestion, usage, pulls: new Map() }
  partsOf.set(context, made)
  return made
}

/** For parts that write their own SQL: the same context without the types of the tables. */
const untabled = (context: Context): ServiceContext<Context['config']> =>
  context as unknown as ServiceContext<Context['config']>

/** Real protocols in, batches on METRIC and USAGE and facts on INCIDENT and USAGE out. */
export const gateway: Service<typeof gatewayConfig, GatewayTables> = {
  name: 'gateway',
  config: gatewayConfig,
  permissions: {
    'gateway:write': 'Send telemetry, alerts, deployments and product usage.',
    'gateway:read': 'See what arrives from which source, and what was refused.',
  },
  migrations: new URL('./store/migrations/', import.meta.url),
  routes(context) {
    const { ingestion, usage, pulls } = parts(context)
    const { config, reader, clock, log } = context
    return [
      ...remoteWriteRoutes(ingestion, config.GATEWAY_MAX_BODY_BYTES),
      ...otlpRoutes(ingestion, config.GATEWAY_MAX_BODY_BYTES),
      ...hookRoutes(untabled(context), {
        permission: 'gateway:write',
        counts: {
          accepted: (source, protocol, events) => ingestion.ledger.acceptEvents(source, protocol, events),
          refused: (source, protocol, reason, events) => ingestion.ledger.refuse(source, protocol, reason, events, ''),
        },
      }),
      ...usageRoutes(config, {
        intake: usage,
        ledger: ingestion.ledger,
        clock,
        log,
        bodyLimitBytes: config.GATEWAY_MAX_BODY_BYTES,
      }),
      sourcesRoute(reader, ingestion.ledger, pulls, clock),
    ]
  },
  start: (context) => start(context),
}

async function start(context: Context): Promise<() => Promise<void>> {
  const { ingestion, usage, pulls } = parts(context)
  const { config, logger, clock, metrics, db } = context
  const [requests, usageEvents] = await Promise.all([ingestion.rebuild(), usage.rebuild()])
  logger.info({ requests, usageEvents }, 'Knows the requests and usage events of the last ten minutes')
  exposeIngestion(metrics, ingestion)
  const stopPull = await startPull(untabled(context), {
    ledger: ingestion.ledger,
    onState: (state) => pulls.set(config.PLIMSOLL_PROMETHEUS_NAME, state),
  })
  const stopSaving = every(
    SAVE_EVERY_MS,
    () => saveSources(db, ingestion.ledger),
    logError('save the counts of sources'),
  )
  const stopScraping = every(
    config.GATEWAY_SELF_SCRAPE_SECONDS * 1_000,
    () => scrapeSelf(metrics, ingestion, clock),
    logError('read its own metrics'),
  )
  return async () => {
    // Side by side: a scrape that the broker does not take ends when draining does.
    const drained = [ingestion.drain(DRAIN_WITHIN_MS), usage.drain(DRAIN_WITHIN_MS)]
    await Promise.all([stopScraping(), stopPull(), ...drained])
    await stopSaving()
    await saveSources(db, ingestion.ledger).catch(logError('save the counts of sources'))
  }

  function logError(what: string): (error: unknown) => void {
    return (error) => logger[isTransient(error) ? 'warn' : 'error']({ err: error }, `The gateway could not ${what}`)
  }
}

/** Repeats `work` with pauses of `ms`, never two at a time; 0 never. The returned function waits for the one under way. */
function every(ms: number, work: () => Promise<unknown>, onError: (error: unknown) => void): () => Promise<void> {
  if (ms === 0) return async () => {}
  let underWay: Promise<unknown> = Promise.resolve()
  let idle = true
  const timer = setInterval(() => {
    if (!idle) return
    idle = false
    underWay = work()
      .catch(onError)
      .finally(() => {
        idle = true
      })
  }, ms)
  return async () => {
    clearInterval(timer)
    await underWay
  }
}
