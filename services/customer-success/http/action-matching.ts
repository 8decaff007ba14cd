/** Finds the accounts like those a person acted on. */

import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { dayOf } from '../domain/day.ts'
import { compareMatched, type Matchable, type MatchedComparison } from '../domain/effect/matching.ts'
import { type AccountState, metricOf } from '../domain/playbook/account-state.ts'
import { isReached } from '../domain/playbook/playbook.ts'
import { MANUAL_GOAL } from '../domain/playbook/ready.ts'
import type { AccountStates } from '../store/account-states.ts'
import { judgedManual } from '../store/actions.ts'
import type { Tables } from '../store/tables.ts'

const WEEK = 7
/** The newest weeks with actions that are looked at: each reads all accounts twice. */
const WEEKS = 26

/** Acted-on accounts of the same week are seen as they were before it, and so is everybody they are compared with. */
export async function compareManual(
  reader: ReaderDatabase<Tables>,
  accounts: AccountStates,
  kind: string,
): Promise<MatchedComparison> {
  const weeks = Map.groupBy(await judgedManual(reader, kind), ({ triggered_at }) =>
    Math.floor(dayOf(triggered_at.getTime()) / WEEK),
  )
  const acted: Matchable[] = []
  const others: Matchable[] = []
  for (const [week, actions] of [...weeks].sort(([a], [b]) => b - a).slice(0, WEEKS)) {
    const reachedOf = new Map(actions.map(({ account_id, reached }) => [account_id, reached === true]))
    const before = await accounts.at(reader, week * WEEK - 1)
    const after = await accounts.at(reader, (week + 1) * WEEK - 1 + MANUAL_GOAL.windowDays)
    const afterOf = new Map(after.map((state) => [state.snapshot.accountId, metricOf(state, MANUAL_GOAL.metric)]))
    for (const state of before.filter((one) => metricOf(one, 'isCancelled') === 0)) {
      const { accountId } = state.snapshot
      const reached = reachedOf.get(accountId)
      if (reached !== undefined) acted.push(matchable(state, week, reached))
      else others.push(matchable(state, week, isReached(MANUAL_GOAL, undefined, afterOf.get(accountId))))
    }
  }
  return compareMatched(acted, others)
}

const matchable = (state: AccountState, week: number, reached: boolean): Matchable => ({
  accountId: state.snapshot.accountId,
  segment: JSON.stringify([week, state.snapshot.segment, state.health === undefined, state.risk === undefined]),
  measures: [
    metricOf(state, 'healthScore') ?? 0,
    Math.log1p(state.snapshot.mrrMinor),
    Math.log1p(metricOf(state, 'ageDays') ?? 0),
  ],
  reached,
})
