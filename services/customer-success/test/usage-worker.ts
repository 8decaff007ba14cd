import { systemClock } from '@plimsoll/kit/clock.ts'
import { readConfig } from '@plimsoll/kit/config.ts'
import type { WorkerDatabase } from '@plimsoll/kit/db/database.ts'
import { openDatabase } from '@plimsoll/kit/db/pool.ts'
import { startLanes } from '@plimsoll/kit/lanes/lanes.ts'
import { processor, ticker } from '@plimsoll/kit/lanes/processor.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import { createLogger } from '@plimsoll/kit/telemetry/logger.ts'
import { createMetrics } from '@plimsoll/kit/telemetry/prometheus.ts'
import { customerSuccessConfig } from '../config.ts'
import { usageCounter } from '../events/success-metrics.ts'
import { usageProcessor } from '../events/usage.ts'
import { usageUpkeepTicker } from '../events/usage-upkeep.ts'

/** A worker process for the chaos run to kill: all it is told is where the servers are. */
const { NATS_URL = '', DATABASE_URL = '' } = process.env
const logger = createLogger({ level: 'fatal', format: 'json' })
const [config] = readConfig([customerSuccessConfig], {})
const metrics = createMetrics({ processMetrics: false })
await startLanes({
  service: 'customer-success',
  processors: [processor(usageProcessor(config, usageCounter(metrics)))],
  tickers: [ticker(usageUpkeepTicker(config))],
  db: openDatabase({ url: DATABASE_URL, service: 'customer-success' }).worker as WorkerDatabase<unknown>,
  log: await connectJetStream({ url: NATS_URL, logger }),
  clock: systemClock,
  logger,
  metrics,
  // Short, so that what a killed worker left is taken over soon.
  leaseMs: 1_500,
  scanMs: 200,
})
