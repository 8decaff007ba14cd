import { createHmac, randomBytes } from 'node:crypto'
import type { Clock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import type { Route } from '@plimsoll/kit/service.ts'
import type { SourceLedger } from '../sources/ledger.ts'
import type { UsageConfig } from './config.ts'
import { cloudEventRoutes } from './http/cloudevents.ts'
import { csvImportRoute } from './http/csvimport.ts'
import { factRoutes } from './http/facts.ts'
import { quarantineRoutes } from './http/quarantine.ts'
import type { UsageParts } from './http/receive.ts'
import { sdkRoutes } from './http/sdks.ts'
import type { UsageIntake } from './intake.ts'

export type UsageRouteOptions = {
  readonly intake: UsageIntake
  readonly ledger: SourceLedger
  readonly clock: Clock
  readonly log: EventLog
  readonly bodyLimitBytes: number
}

/** Product usage and the facts about customers, by the protocols their senders already speak. */
export function usageRoutes(config: UsageConfig, { log, ...options }: UsageRouteOptions): readonly Route[] {
  // Addresses are few: without a key their hash could be turned back by trying all of them.
  const key = config.GATEWAY_IP_HASH_KEY ?? randomBytes(32)
  const parts: UsageParts = {
    ...options,
    accountKeys: config.GATEWAY_ACCOUNT_KEYS,
    ipHash: (ip) => createHmac('sha256', key).update(ip).digest('hex').slice(0, 32),
  }
  return [
    ...sdkRoutes(parts),
    ...cloudEventRoutes(parts),
    ...factRoutes(parts),
    csvImportRoute(parts),
    ...quarantineRoutes(log, options.clock),
  ]
}
