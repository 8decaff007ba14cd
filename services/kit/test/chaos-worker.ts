import { pino } from 'pino'
import { systemClock } from '../clock.ts'
import type { WorkerDatabase } from '../db/database.ts'
import { openDatabase } from '../db/pool.ts'
import { startLanes } from '../lanes/lanes.ts'
import { connectJetStream } from '../log/jetstream.ts'
import { createMetrics } from '../telemetry/prometheus.ts'
import { foldSamples, tallyFacts } from './folding.ts'
import { retried } from './retried.ts'

/** A worker process for the chaos run to kill: all it is told is where the servers are. */
const { NATS_URL = '', DATABASE_URL = '', LOG_LEVEL = 'silent' } = process.env
const logger = pino({ level: LOG_LEVEL }, pino.destination({ dest: 2, sync: true }))
const log = await retried(() => connectJetStream({ url: NATS_URL, logger }))
const database = openDatabase({ url: DATABASE_URL, service: 'performance', logger })
const lanes = await retried(() =>
  startLanes({
    service: 'performance',
    processors: [foldSamples, tallyFacts],
    tickers: [],
    db: database.worker as WorkerDatabase<unknown>,
    log,
    clock: systemClock,
    logger,
    metrics: createMetrics({ processMetrics: false }),
    // Short, so that a run sees many changes of owner, wanted and unwanted.
    leaseMs: 1_500,
    scanMs: 200,
  }),
)

process.once('SIGTERM', async () => {
  await lanes.stop()
  await log.close()
  await database.close()
})
