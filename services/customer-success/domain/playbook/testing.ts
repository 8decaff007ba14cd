/** An account for tests: on plan `pro`, a hundred days old, of which nothing else is known. */

import { type AccountSnapshot, HISTORY_DAYS } from '../snapshot.ts'
import type { AccountState } from './account-state.ts'

export const accountSnapshot = (given: Partial<AccountSnapshot> = {}): AccountSnapshot => ({
  accountId: 'acme',
  day: 20_000,
  name: '',
  segment: 'smb',
  plan: 'pro',
  seats: 10,
  mrrMinor: 0,
  currency: '',
  startedDay: 19_900,
  activity: {
    users: new Uint32Array(HISTORY_DAYS),
    events: new Float64Array(HISTORY_DAYS),
    apiCalls: new Float64Array(HISTORY_DAYS),
    apiErrors: new Float64Array(HISTORY_DAYS),
    ...{ users7: 0, users28: 0, users84: 0, users28Before: 0, lastDay: undefined },
  },
  features: [],
  tickets: [],
  invoices: [],
  nps: [],
  subscription: undefined,
  ...given,
})

export const accountState = (given: Partial<AccountSnapshot> = {}): AccountState => ({
  snapshot: accountSnapshot(given),
  health: undefined,
  risk: undefined,
})
