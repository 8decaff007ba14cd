import { pino } from 'pino'
import { systemClock } from '../../clock.ts'
import type { WorkerDatabase } from '../../db/database.ts'
import { openDatabase } from '../../db/pool.ts'
import { createMetrics } from '../../telemetry/prometheus.ts'
import { mailPerformer } from '../mail.ts'
import { startLedger } from '../runner.ts'
import { webhookPerformer } from '../webhook.ts'

/** A process that performs effects, for a test to kill. */
const { DATABASE_URL = '', SMTP_URL = '', CLAIM_MS = '' } = process.env
const database = openDatabase({ url: DATABASE_URL, service: 'performance' })
startLedger({
  service: 'performance',
  db: database.worker as WorkerDatabase<unknown>,
  performers: {
    webhook: webhookPerformer('secret', systemClock),
    mail: mailPerformer({ server: SMTP_URL, from: 'plimsoll@example.org', clock: systemClock }),
  },
  logger: pino({ level: 'silent' }),
  metrics: createMetrics({ processMetrics: false }),
  everyMs: 50,
  claimMs: Number(CLAIM_MS),
})
