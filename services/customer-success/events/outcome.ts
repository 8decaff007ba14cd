/** What became of enrolments, of every arm, at the end of their goal's window; and what features are worth, once a day. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { OutgoingEvent, Ticker } from '@plimsoll/kit/lanes/processor.ts'
import { DAY_MS, dayOf, startOf } from '../domain/day.ts'
import { ageBandOf, liftsOf } from '../domain/guidance.ts'
import { type AccountState, metricOf } from '../domain/playbook/account-state.ts'
import { isReached } from '../domain/playbook/playbook.ts'
import type { AccountStates } from '../store/account-states.ts'
import { type ActionRow, actionsToJudge, saveOutcome } from '../store/actions.ts'
import { daysOfUse } from '../store/health.ts'
import { type PlacedLift, saveLifts } from '../store/playbook-guidance.ts'
import { dropSignals } from '../store/playbook-signals.ts'
import { tables } from '../store/tables.ts'

const AT_ONCE = 500
/** Dry runs look back 90 days. */
const KEEP_SIGNALS_DAYS = 100
/** Between using a feature and still being there. */
const LIFT_DAYS = 60
/** A healthy account, whose staying says something about the feature and not about its trouble. */
const HEALTHY = 70

export function outcomeTicker(accounts: AccountStates): Ticker<{ reckonedDay: number }> {
  return {
    name: 'outcome',
    version: 1,
    lanes: 1,
    everyMs: 5_000,
    load: async () => ({ reckonedDay: 0 }),
    async tick(state, tx, { now }) {
      const latestDay = await accounts.latestDay(tables(tx))
      if (latestDay === undefined) return {}
      if (state.reckonedDay < latestDay && (await isCaughtUp(tx, latestDay, now()))) {
        await saveLifts(tx, await liftsAt(tx, accounts, latestDay))
        await dropSignals(tx, now() - KEEP_SIGNALS_DAYS * DAY_MS)
        state.reckonedDay = latestDay
      }
      const over = await actionsToJudge(tx, new Date(startOf(latestDay + 1)), AT_ONCE)
      return { events: await judgeAll(tx, accounts, over) }
    },
  }
}

/** While days of history close one after the other, nobody is helped by what features were worth then. */
async function isCaughtUp(tx: WorkerTransaction, latestDay: number, nowMs: number): Promise<boolean> {
  const use = await daysOfUse(tx, dayOf(nowMs))
  return use === undefined || latestDay >= use.last - 1
}

async function judgeAll(
  tx: WorkerTransaction,
  accounts: AccountStates,
  actions: readonly ActionRow[],
): Promise<OutgoingEvent[]> {
  const ended = actions.map((action) => ({
    action,
    accountId: action.account_id,
    day: dayOf(action.window_ends_at.getTime() - 1),
  }))
  const states = await accounts.each(tables(tx), ended)
  const events: OutgoingEvent[] = []
  for (const one of ended) events.push(await judge(tx, one.action, states.get(one)))
  return events
}

async function judge(
  tx: WorkerTransaction,
  action: ActionRow,
  state: AccountState | undefined,
): Promise<OutgoingEvent> {
  const { goal, goal_before: before } = action
  const after = state && metricOf(state, goal.metric)
  const reached = isReached(goal, before ?? undefined, after)
  await saveOutcome(tx, action.id, { at: action.window_ends_at, after, reached })
  const atMs = action.window_ends_at.getTime()
  return {
    type: 'plimsoll.customer_success.v1.ActionOutcomeRecorded',
    key: action.account_id,
    time: atMs,
    value: {
      actionId: action.id,
      playbook: action.playbook_id,
      accountId: action.account_id,
      arm: action.arm,
      triggeredAt: action.triggered_at.getTime(),
      at: atMs,
      metric: goal.metric,
      before,
      after: after ?? null,
      reached,
    },
  }
}

/** By plan and age then: who used what while healthy, and who is still there. An account that is gone did not stay. */
async function liftsAt(tx: WorkerTransaction, accounts: AccountStates, day: number): Promise<PlacedLift[]> {
  const then = await accounts.at(tables(tx), day - LIFT_DAYS)
  const now = await accounts.at(tables(tx), day)
  const staying = new Set(
    now.filter((state) => metricOf(state, 'isCancelled') === 0).map(({ snapshot }) => snapshot.accountId),
  )
  const healthy = then.filter((state) => (metricOf(state, 'healthScore') ?? 0) >= HEALTHY)
  const places = Map.groupBy(healthy, ({ snapshot: { plan, day: at, startedDay } }) =>
    JSON.stringify([plan, ageBandOf(at - startedDay)]),
  )
  return [...places].flatMap(([place, alike]) => {
    const [plan, ageBand] = JSON.parse(place) as [string, string]
    const seen = alike.map(({ snapshot }) => ({ ...snapshot, stayed: staying.has(snapshot.accountId) }))
    return liftsOf(seen).map((lift) => ({ ...lift, plan, ageBand }))
  })
}
