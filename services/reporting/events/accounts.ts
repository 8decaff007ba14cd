import {
  type Account,
  foldAdopted,
  foldCleared,
  foldHealth,
  foldLag,
  foldRaised,
  newAccount,
} from '../domain/account.ts'
import { type Action, foldOutcome, foldTriggered } from '../domain/action.ts'
import type { AccountFact } from '../domain/feed.ts'
import { timelineEntryOf } from '../domain/timeline.ts'
import { loadAccounts, saveAccounts } from '../store/account.ts'
import { loadActions, saveActions } from '../store/action.ts'
import type { ReportingTransaction } from '../store/tables.ts'
import { appendTimeline } from '../store/timeline.ts'

/** Accounts, their actions and their timelines; the same facts again change nothing. */
export async function projectAccounts(tx: ReportingTransaction, facts: readonly AccountFact[]): Promise<void> {
  if (facts.length === 0) return
  const accounts = await loadAccounts(
    tx,
    facts.map((fact) => fact.value.accountId),
  )
  const actions = await loadActions(
    tx,
    facts.flatMap(({ value }) => ('actionId' in value ? [value.actionId] : [])),
  )
  for (const fact of facts) apply(fact, accounts, actions)
  await saveAccounts(tx, accounts.values())
  await saveActions(tx, actions.values())
  await appendTimeline(
    tx,
    facts.flatMap((fact) => timelineEntryOf(fact) ?? []),
  )
}

function apply({ type, value }: AccountFact, accounts: Map<string, Account>, actions: Map<string, Action>): void {
  const account = accounts.get(value.accountId) ?? newAccount(value.accountId)
  const put = (next: Account) => accounts.set(value.accountId, next)
  switch (type) {
    case 'plimsoll.customer_success.v1.HealthScoreChanged':
      put(foldHealth(account, value))
      break
    case 'plimsoll.customer_success.v1.ChurnRiskRaised':
      put(foldRaised(account, value))
      break
    case 'plimsoll.customer_success.v1.ChurnRiskCleared':
      put(foldCleared(account, value))
      break
    case 'plimsoll.customer_success.v1.FeatureAdopted':
      put(foldAdopted(account, value))
      break
    case 'plimsoll.customer_success.v1.AdoptionLagDetected':
      put(foldLag(account, value))
      break
    case 'plimsoll.customer_success.v1.ActionTriggered':
      put(account)
      actions.set(value.actionId, foldTriggered(actions.get(value.actionId), value))
      break
    case 'plimsoll.customer_success.v1.ActionOutcomeRecorded':
      put(account)
      actions.set(value.actionId, foldOutcome(actions.get(value.actionId), value))
      break
  }
}
