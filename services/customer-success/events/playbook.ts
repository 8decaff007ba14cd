/** Who enters which playbook today, and the steps that are due. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { OutgoingEvent, Ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { CustomerSuccessConfig } from '../config.ts'
import { DAY_MS, dayOf, startOf } from '../domain/day.ts'
import type { AccountState } from '../domain/playbook/account-state.ts'
import { conditionText, factsText, holds } from '../domain/playbook/condition.ts'
import { isTriggered, type Match, matchAfter } from '../domain/playbook/enrolment.ts'
import type { AccountStates } from '../store/account-states.ts'
import { enrolmentsOf, takeUntold } from '../store/actions.ts'
import { markSignalsTaken, type Signal, waitingSignals } from '../store/playbook-signals.ts'
import { type ActivePlaybook, activePlaybooks, markEvaluated, matchesOf, saveMatches } from '../store/playbooks.ts'
import { tables } from '../store/tables.ts'
import type { KnownUplifts } from '../store/uplift.ts'
import { enrol, type Occasion, triggered } from './enrol.ts'
import { runDueSteps } from './playbook-steps.ts'
import type { StepCounter } from './success-metrics.ts'

/** Signals, and actions put down over HTTP, taken in at one tick; the rest come at the next. */
const AT_ONCE = 200
/** What is older triggers nothing: a history that is caught up on must not write to people about last month. */
const STALE_DAYS = 3

export function playbookTicker(
  config: CustomerSuccessConfig,
  accounts: AccountStates,
  count: StepCounter,
): Ticker<{ readonly uplifts: KnownUplifts }> {
  return {
    name: 'playbook',
    version: 1,
    lanes: 1,
    everyMs: 1_000,
    load: async () => ({ uplifts: new Map() }),
    async tick({ uplifts }, tx, { now }) {
      const started = (await takeUntold(tx, AT_ONCE)).map(triggered)
      const latestDay = await accounts.latestDay(tables(tx))
      if (latestDay === undefined) return { events: started }
      const playbooks = await activePlaybooks(tx)
      const today = { nowMs: now(), latestDay }
      const events = [
        ...started,
        ...(await enrolByCondition(tx, playbooks, config, accounts, today)),
        ...(await enrolBySignal(tx, playbooks, config, accounts, today)),
      ]
      await runDueSteps(tx, { config, accounts, uplifts, count }, today)
      return { events }
    },
  }
}

export type Today = { readonly nowMs: number; readonly latestDay: number }

/** Goes through the days that are over and were not looked at, one a tick. */
async function enrolByCondition(
  tx: WorkerTransaction,
  playbooks: readonly ActivePlaybook[],
  config: CustomerSuccessConfig,
  accounts: AccountStates,
  { nowMs, latestDay }: Today,
): Promise<OutgoingEvent[]> {
  const conditional = playbooks.filter(({ definition }) => definition.trigger.kind === 'condition')
  const next = Math.min(...conditional.map(({ evaluatedDay }) => evaluatedDay)) + 1
  const day = Math.max(next, dayOf(nowMs) - STALE_DAYS)
  if (day > latestDay) return []
  const due = conditional.filter(({ evaluatedDay }) => evaluatedDay < day)
  const states = await accounts.at(tables(tx), day)
  const events: OutgoingEvent[] = []
  for (const playbook of due) {
    const { matches, triggers } = matchDay(playbook, states, await matchesOf(tx, playbook.id), day)
    await saveMatches(tx, playbook.id, day, matches)
    const occasion = (state: AccountState): Occasion => ({
      ...{ atMs: startOf(day + 1), userId: '', episodeId: state.risk?.episodeId ?? '' },
      reason: conditionReason(playbook, state),
    })
    events.push(...(await enrolAll(tx, playbook, triggers, occasion, config)))
  }
  await markEvaluated(
    tx,
    due.map(({ id }) => id),
    day,
  )
  return events
}

/** Where a condition holds at the end of a day, and where it has now held long enough. */
export function matchDay(
  { definition: { trigger } }: Pick<ActivePlaybook, 'definition'>,
  states: readonly AccountState[],
  before: ReadonlyMap<string, Match>,
  day: number,
): { readonly matches: Map<string, Match>; readonly triggers: AccountState[] } {
  const matches = new Map<string, Match>()
  const triggers: AccountState[] = []
  if (trigger.kind !== 'condition') return { matches, triggers }
  for (const state of states) {
    if (!holds(trigger.condition, state)) continue
    const { accountId } = state.snapshot
    const match = matchAfter(before.get(accountId), day)
    matches.set(accountId, match)
    if (isTriggered(match, trigger.dwellDays)) triggers.push(state)
  }
  return { matches, triggers }
}

export function conditionReason({ definition: { trigger } }: Pick<ActivePlaybook, 'definition'>, state: AccountState) {
  if (trigger.kind !== 'condition') return ''
  const days = trigger.dwellDays === 1 ? '' : ` for ${trigger.dwellDays} days`
  return `${conditionText(trigger.condition)}${days}: ${factsText(trigger.condition, state)}`
}

async function enrolAll(
  tx: WorkerTransaction,
  playbook: ActivePlaybook,
  states: readonly AccountState[],
  occasionOf: (state: AccountState) => Occasion,
  config: CustomerSuccessConfig,
): Promise<OutgoingEvent[]> {
  const accountIds = states.map(({ snapshot }) => snapshot.accountId)
  const enrolments = await enrolmentsOf(tx, playbook.id, accountIds)
  const events: OutgoingEvent[] = []
  for (const state of states) {
    const earlier = enrolments.get(state.snapshot.accountId) ?? []
    const controlShare = config.CUSTOMER_SUCCESS_CONTROL_SHARE
    const event = await enrol(tx, playbook, state, occasionOf(state), { earlier, controlShare })
    if (event !== undefined) events.push(event)
  }
  return events
}

/** Takes in signals by event time. An account without a state of that time (not scored yet, or gone) is in no audience. */
async function enrolBySignal(
  tx: WorkerTransaction,
  playbooks: readonly ActivePlaybook[],
  config: CustomerSuccessConfig,
  accounts: AccountStates,
  { nowMs, latestDay }: Today,
): Promise<OutgoingEvent[]> {
  const signals = await waitingSignals(tx, AT_ONCE)
  if (signals.length === 0) return []
  const events: OutgoingEvent[] = []
  const fresh = signals.filter(({ atMs }) => atMs > nowMs - STALE_DAYS * DAY_MS)
  const accountIds = [...new Set(fresh.map(({ accountId }) => accountId))]
  const states = accountIds.length === 0 ? [] : await accounts.at(tables(tx), latestDay, accountIds)
  const stateOf = new Map(states.map((state) => [state.snapshot.accountId, state]))
  for (const signal of fresh) {
    const state = stateOf.get(signal.accountId)
    if (state === undefined) continue
    for (const playbook of playbooks.filter((one) => isTriggeredBy(one, signal, state))) {
      events.push(...(await enrolAll(tx, playbook, [state], () => signal, config)))
    }
  }
  await markSignalsTaken(
    tx,
    signals.map(({ id }) => id),
  )
  return events
}

export function isTriggeredBy(
  { definition: { trigger }, activatedMs }: Pick<ActivePlaybook, 'definition' | 'activatedMs'>,
  { event, atMs }: Signal,
  state: AccountState,
): boolean {
  if (trigger.kind !== 'event' || trigger.event !== event || atMs < activatedMs) return false
  return trigger.where === undefined || holds(trigger.where, state)
}
