/** Whom a playbook would have enrolled on the days behind, by the states that are stored of each. Nothing is written. */

import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { dayOf, startOf } from '../domain/day.ts'
import type { AccountState } from '../domain/playbook/account-state.ts'
import { holds } from '../domain/playbook/condition.ts'
import { type Arm, type Enrolled, type Match, mayEnrol } from '../domain/playbook/enrolment.ts'
import type { Playbook, TriggerEvent } from '../domain/playbook/playbook.ts'
import type { AccountStates } from '../store/account-states.ts'
import { type Signal, signalsSince } from '../store/playbook-signals.ts'
import type { Tables } from '../store/tables.ts'
import { assign } from './assignment.ts'
import { conditionReason, isTriggeredBy, matchDay } from './playbook.ts'

export type Would = {
  readonly accountId: string
  readonly atMs: number
  readonly arm: Arm
  readonly reason: string
}

export type DryRun = {
  readonly id: string
  readonly definition: Playbook
  readonly fromDay: number
  readonly toDay: number
  readonly controlShare: number
}

type Candidate = { readonly state: AccountState; readonly atMs: number; readonly reason: string }

/** Who would have entered, by time. An enrolment is taken to be over when the next trigger comes. */
export async function dryRun(
  reader: ReaderDatabase<Tables>,
  accounts: AccountStates,
  { id, definition, fromDay, toDay, controlShare }: DryRun,
): Promise<Would[]> {
  const { trigger } = definition
  const candidates =
    trigger.kind === 'condition'
      ? byCondition(reader, accounts, { definition, fromDay, toDay })
      : bySignal(reader, accounts, { definition, event: trigger.event, fromDay, toDay })
  const would: Would[] = []
  const earlier = new Map<string, Enrolled[]>()
  for await (const { state, atMs, reason } of candidates) {
    const { accountId } = state.snapshot
    const before = earlier.get(accountId) ?? []
    const isEligible = definition.audience === undefined || holds(definition.audience, state)
    if (!isEligible || !mayEnrol(definition.reenrolment, before, atMs)) continue
    earlier.set(accountId, [...before, { triggeredMs: atMs, isOpen: false }])
    const arm = assign(id, accountId, { control: controlShare, holdout: definition.holdoutShare })
    would.push({ accountId, atMs, arm, reason })
  }
  return would
}

type Range = { readonly definition: Playbook; readonly fromDay: number; readonly toDay: number }

async function* byCondition(
  reader: ReaderDatabase<Tables>,
  accounts: AccountStates,
  { definition, fromDay, toDay }: Range,
): AsyncGenerator<Candidate> {
  let matches: ReadonlyMap<string, Match> = new Map()
  for await (const [day, states] of accounts.during(reader, fromDay, toDay)) {
    const today = matchDay({ definition }, states, matches, day)
    matches = today.matches
    for (const state of today.triggers)
      yield { state, atMs: startOf(day + 1), reason: conditionReason({ definition }, state) }
  }
}

async function* bySignal(
  reader: ReaderDatabase<Tables>,
  accounts: AccountStates,
  { definition, event, fromDay, toDay }: Range & { readonly event: TriggerEvent },
): AsyncGenerator<Candidate> {
  const signals = await signalsSince(reader, event, startOf(fromDay))
  // The day before an event is the last that was over when it came.
  const byDay = Map.groupBy(signals, ({ atMs }) => Math.min(dayOf(atMs) - 1, toDay))
  for (const [day, ofDay] of byDay) {
    const ids = [...new Set(ofDay.map(({ accountId }) => accountId))]
    const states = await accounts.at(reader, day, ids)
    const stateOf = new Map(states.map((state) => [state.snapshot.accountId, state]))
    for (const signal of ofDay) {
      const state = stateOf.get(signal.accountId)
      if (state !== undefined && isTriggeredBy({ definition, activatedMs: 0 }, signal, state))
        yield occasion(state, signal)
    }
  }
}

const occasion = (state: AccountState, { atMs, reason }: Signal): Candidate => ({ state, atMs, reason })
