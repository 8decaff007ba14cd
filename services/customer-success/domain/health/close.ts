/** A day of the book: every account's score at its end. */

import { hardEventOf, type RiskTrigger } from '../risk.ts'
import type { AccountSnapshot } from '../snapshot.ts'
import { bookOf } from './book.ts'
import type { Configuration } from './configuration.ts'
import { typicalOf } from './drivers.ts'
import { type Readings, readingsOf } from './metrics.ts'
import { type Health, healthOf } from './score.ts'

export type Closed = {
  readonly snapshot: AccountSnapshot
  readonly health: Health
  readonly hard: RiskTrigger | undefined
}

export type ClosedDay = { readonly accounts: readonly Closed[]; readonly typical: ReadonlyMap<string, Readings> }

/** Accounts that have left are no part of what is usual, and get no score. */
export function closeDay(snapshots: readonly AccountSnapshot[], configuration: Configuration): ClosedDay {
  const current = snapshots.filter(({ subscription }) => subscription?.status !== 'cancelled')
  const book = bookOf(current)
  const segments = new Set(current.map(({ segment }) => segment))
  return {
    typical: new Map([...segments].map((segment) => [segment, typicalOf(book, segment)])),
    accounts: current.map((snapshot) => {
      const subject = { segment: snapshot.segment, ageDays: snapshot.day - snapshot.startedDay + 1 }
      return {
        snapshot,
        health: healthOf(readingsOf(snapshot, book), subject, configuration),
        hard: hardEventOf(snapshot),
      }
    }),
  }
}
