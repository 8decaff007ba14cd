/** Readings and snapshots for tests, made by chance from a seed. */

import { createRandom } from '../learn/random.ts'
import { type AccountSnapshot, HISTORY_DAYS } from '../snapshot.ts'
import { METRIC_NAMES, type Reading, type Readings } from './metrics.ts'

export const random = createRandom

/** Every metric with data four times in five, its value where curves bend. */
export function randomReadings(next: () => number): Readings {
  const readings: Partial<Record<(typeof METRIC_NAMES)[number], Reading>> = {}
  for (const name of METRIC_NAMES) {
    if (next() < 0.2) continue
    const value = 1.5 * next() * (next() < 0.3 ? 10 : 1)
    readings[name] = {
      value,
      shown: value,
      confidence: next(),
      ...(next() < 0.2 && { toldAs: { metric: 'usage', share: next() } }),
    }
  }
  return readings
}

export const quietAccount: AccountSnapshot = {
  accountId: 'acme',
  day: 20_000,
  name: '',
  segment: 'smb',
  plan: 'team',
  seats: 10,
  mrrMinor: 10_000,
  currency: 'USD',
  startedDay: 19_000,
  activity: {
    users: new Uint32Array(HISTORY_DAYS).fill(5),
    events: new Float64Array(HISTORY_DAYS).fill(50),
    apiCalls: new Float64Array(HISTORY_DAYS),
    apiErrors: new Float64Array(HISTORY_DAYS),
    users7: 8,
    users28: 9,
    users84: 10,
    users28Before: 9,
    lastDay: 20_000,
  },
  features: [],
  tickets: [],
  invoices: [],
  nps: [],
  subscription: undefined,
}
