import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import { createAccess, openAccessDatabase } from './auth/access.ts'
import type { AccessTables } from './auth/apikeys.ts'
import { createMemoryCache } from './cache/memory.ts'
import { connectRedisCache } from './cache/redis.ts'
import type { Cache } from './cache.ts'
import { systemClock } from './clock.ts'
import { describeConfig, type Environment, type KitConfig, kitConfig, readConfig } from './config.ts'
import { migrateService } from './db/migrate.ts'
import { openDatabase, type ServiceDatabase } from './db/pool.ts'
import { describeError } from './errors.ts'
import { createOpsServer, opsRoutes } from './http/ops.ts'
import { createHttpServer } from './http/server.ts'
import { startLanes } from './lanes/lanes.ts'
import { type Check, createLifecycle, type Lifecycle } from './lifecycle.ts'
import { connectJetStream } from './log/jetstream.ts'
import type { EventLog } from './log/log.ts'
import { ensureStreams } from './log/streams.ts'
import type { AnyService, Route, ServiceContext } from './service.ts'
import { exitOnCrash, stopOnSignals } from './signals.ts'
import { createLogger } from './telemetry/logger.ts'
import type { Metrics } from './telemetry/metrics.ts'
import { createMetrics } from './telemetry/prometheus.ts'
import { startTracing } from './telemetry/tracing.ts'

export type Running = {
  /** Where the API answers, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  readonly logger: Logger
  readonly metrics: Metrics
  /** Drains and stops; safe to call twice. */
  stop(): Promise<void>
}

/**
 * Runs services until a signal ends them: what a service's `main.ts` calls. `--validate` prints the configuration, its
 * secrets masked, and exits. Every failure is one clear line and a non-zero exit code.
 * @example await run([performance])
 */
export async function run(
  services: readonly AnyService[],
  options: { argv?: readonly string[]; env?: Environment } = {},
): Promise<void> {
  const { argv = process.argv.slice(2), env = process.env } = options
  try {
    if (argv.includes('--validate')) {
      console.log(describeConfig([kitConfig, ...services.map(({ config }) => config)], env))
      return
    }
    let stop = async () => {}
    exitOnCrash(() => stop())
    const running = await startServices(services, env)
    stop = running.stop
    stopOnSignals(async () => {
      await stop()
      process.exit(0)
    })
  } catch (error) {
    console.error(describeError(error))
    process.exit(1)
  }
}

/**
 * Starts services in this process on one HTTP port and resolves when they are ready. Rejects with what to correct.
 * `checks` are further parts of `/ready`: each says what keeps its part from working, undefined when nothing does.
 */
export async function startServices(
  services: readonly AnyService[],
  env: Environment,
  checks: Readonly<Record<string, Check>> = {},
): Promise<Running> {
  const [config, ...configs] = readConfig([kitConfig, ...services.map((service) => service.config)], env)
  const format = config.LOG_FORMAT ?? (process.stderr.isTTY ? 'pretty' : 'json')
  const logger = createLogger({ level: config.LOG_LEVEL, format })
  const lifecycle = createLifecycle(logger, config.DRAIN_WITHIN_MS)
  try {
    const kit = await startKit(config, logger, lifecycle)
    for (const [name, check] of Object.entries(checks)) lifecycle.addCheck(name, check)
    const parts = await Promise.all(
      services.map(async (service, index) => ({
        service,
        context: await contextOf(service, configs[index] ?? {}, kit, lifecycle),
      })),
    )
    const url = await startParts(parts, kit, lifecycle)
    lifecycle.started()
    return { url, logger, metrics: kit.metrics, stop: () => lifecycle.stop() }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

/** What all services of a process share. */
type Kit = {
  readonly config: KitConfig
  readonly logger: Logger
  readonly metrics: Metrics
  readonly log: EventLog
  readonly cache: Cache
  readonly access: ServiceDatabase<AccessTables>
}

async function startKit(config: KitConfig, logger: Logger, lifecycle: Lifecycle): Promise<Kit> {
  const metrics = createMetrics()
  lifecycle.onStop(
    'tracing',
    await startTracing({ serviceName: config.OTEL_SERVICE_NAME, endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT }),
  )

  const connectAll = [
    openAccessDatabase(config.DATABASE_URL, logger),
    connectLog(config, logger),
    connectCache(config, logger),
  ] as const
  const [access, log, cache] = await Promise.all(connectAll)
  lifecycle.onStop('database of access', () => access.close())
  lifecycle.addCheck('database', () => databaseProblem(access))
  lifecycle.onStop('cache', () => cache.close())
  lifecycle.onStop('log', async () => {
    await log.flush()
    await log.close()
  })
  lifecycle.addCheck('log', () => (log.connected() ? undefined : 'the broker is not connected'))
  return { config, logger, metrics, log, cache, access }
}

async function connectLog(config: KitConfig, logger: Logger): Promise<EventLog> {
  const made = { replicas: config.NATS_REPLICAS, lanes: config.LANES }
  await ensureStreams({ url: config.NATS_URL, logger }, made)
  return await connectJetStream({ url: config.NATS_URL, logger })
}

const connectCache = async (config: KitConfig, logger: Logger): Promise<Cache> =>
  config.REDIS_URL === undefined ? createMemoryCache(systemClock) : await connectRedisCache(config.REDIS_URL, logger)

async function databaseProblem(database: ServiceDatabase<AccessTables>): Promise<string | undefined> {
  try {
    await sql`select 1`.execute(database.worker)
    return undefined
  } catch (error) {
    return describeError(error)
  }
}

type Part = { readonly service: AnyService; readonly context: ServiceContext }

async function contextOf(service: AnyService, config: object, kit: Kit, lifecycle: Lifecycle): Promise<ServiceContext> {
  const logger = kit.logger.child({ service: service.name })
  const { DATABASE_URL: url, DATABASE_READER_URL: readerUrl } = kit.config
  await migrateService({ url, service: service.name, migrations: service.migrations, logger })
  const database = openDatabase({ url, readerUrl, service: service.name, logger })
  lifecycle.onStop(`database of ${service.name}`, () => database.close())
  return {
    config,
    db: database.worker,
    reader: database.reader,
    log: kit.log,
    clock: systemClock,
    logger,
    metrics: kit.metrics,
    cache: kit.cache,
  }
}

/** Starts what the services do, in the order that lets them be stopped the other way round: lanes, then HTTP. */
async function startParts(parts: readonly Part[], kit: Kit, lifecycle: Lifecycle): Promise<string> {
  const stops: (() => Promise<void>)[] = []
  const stopStarted = () => Promise.all(stops.map((stop) => stop()))
  for (const { service, context } of parts) {
    const stop = await service.start?.(context as never)
    if (stop !== undefined) stops.push(stop)
  }

  const http = await listen(parts, kit, lifecycle).catch(async (error: unknown) => {
    await stopStarted()
    throw error
  })
  // Side by side: a request under way may wait for what a service finishes as it stops, and an open stream for its end.
  lifecycle.onStop('http', async () => {
    await Promise.all([http.close(), stopStarted()])
  })

  await Promise.all(parts.map((part) => startLanesOf(part, lifecycle)))
  return http.url
}

async function startLanesOf({ service, context }: Part, lifecycle: Lifecycle): Promise<void> {
  const processors = service.processors?.(context as never) ?? []
  const tickers = service.tickers?.(context as never) ?? []
  if (processors.length + tickers.length === 0) return
  const lanes = await startLanes({ ...context, service: service.name, processors, tickers })
  lifecycle.onStop(`lanes of ${service.name}`, () => lanes.stop())
  lifecycle.addCheck(`lanes of ${service.name}`, () => {
    const halted = lanes.status().filter(({ state }) => state === 'halted')
    return (
      halted.map(({ processor, lane, reason }) => `${processor} lane ${lane} halted: ${reason}`).join('; ') || undefined
    )
  })
}

async function listen(
  parts: readonly Part[],
  kit: Kit,
  lifecycle: Lifecycle,
): Promise<{ url: string; close(): Promise<void> }> {
  const { config, logger, metrics, cache } = kit
  const known = parts.flatMap(({ service }) => Object.keys(service.permissions))
  const access = await createAccess({ config, db: kit.access, cache, clock: systemClock, known })
  const ops = opsRoutes(lifecycle, metrics)
  const routesOf = ({ service, context }: Part): readonly Route[] => service.routes?.(context as never) ?? []
  const server = await createHttpServer({
    ...access,
    services: [
      { service: 'operation', permissions: {}, routes: config.OPS_PORT === undefined ? ops : [] },
      ...parts.map((part) => ({
        service: part.service.name,
        permissions: part.service.permissions,
        routes: routesOf(part),
      })),
    ],
    logger,
    metrics,
    version,
  })
  const opsServer = config.OPS_PORT === undefined ? undefined : createOpsServer(lifecycle, metrics)
  if (config.OPS_PORT !== undefined) await opsServer?.listen({ port: config.OPS_PORT, host: '0.0.0.0' })
  const url = await server.listen({ port: config.PORT, host: config.HOST })
  return {
    url,
    async close() {
      await server.close()
      await opsServer?.close()
    },
  }
}

const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
