/** States of tickets, invoices, answers and subscriptions: each once, whatever order they come in; and contacts. */

import type {
  ContactRecorded,
  InvoiceRecorded,
  NpsRecorded,
  SubscriptionRecorded,
  TicketRecorded,
} from '@plimsoll/contracts/generated/types.ts'
import { type BulkColumn, bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { regroupAccounts } from './accounts.ts'
import { tellContact } from './contacts.ts'
import { numberAccounts } from './identity.ts'

export type Facts = {
  readonly tickets: TicketRecorded[]
  readonly invoices: InvoiceRecorded[]
  readonly answers: NpsRecorded[]
  readonly subscriptions: SubscriptionRecorded[]
  readonly contacts: ContactRecorded[]
}

export const noFacts = (): Facts => ({ tickets: [], invoices: [], answers: [], subscriptions: [], contacts: [] })

export async function takeFacts(tx: WorkerTransaction, facts: Facts): Promise<void> {
  const accounts = [...facts.tickets, ...facts.invoices, ...facts.answers, ...facts.subscriptions]
  await numberAccounts(
    tx,
    new Map(),
    accounts.map(({ accountId }) => accountId),
  )
  await keep(tx, 'ticket_state', ['source', 'ticket_id', 'updated_at'], ticketColumns(facts.tickets))
  await keep(tx, 'invoice_state', ['source', 'invoice_id', 'updated_at'], invoiceColumns(facts.invoices))
  await keep(tx, 'nps_answer', ['source', 'response_id'], answerColumns(facts.answers))
  await keep(tx, 'subscription_state', ['source', 'subscription_id', 'updated_at'], planColumns(facts.subscriptions))
  for (const contact of facts.contacts) await tellContact(tx, contact)
  await regroupAccounts(tx, [...new Set(facts.subscriptions.map(({ accountId }) => accountId))])
}

/** A state that is there already stays: a repeat says the same. */
async function keep(tx: WorkerTransaction, table: string, key: readonly string[], columns: readonly BulkColumn[]) {
  await bulkUpsert(tx, { table, key, onConflict: 'keep', columns })
}

function ticketColumns(rows: readonly TicketRecorded[]): BulkColumn[] {
  return [
    { name: 'source', type: 'text', values: rows.map(({ source }) => source) },
    { name: 'ticket_id', type: 'text', values: rows.map(({ ticketId }) => ticketId) },
    { name: 'updated_at', type: 'timestamptz', values: rows.map(({ updatedAt }) => updatedAt) },
    { name: 'account_id', type: 'text', values: rows.map(({ accountId }) => accountId) },
    { name: 'user_id', type: 'text', values: rows.map(({ userId }) => userId) },
    { name: 'severity', type: 'text', values: rows.map(({ severity }) => severity) },
    { name: 'opened_at', type: 'timestamptz', values: rows.map(({ openedAt }) => openedAt) },
    { name: 'resolved_at', type: 'timestamptz', values: rows.map(({ resolvedAt }) => resolvedAt) },
    { name: 'reopened', type: 'int4', values: rows.map(({ reopened }) => reopened) },
    { name: 'csat', type: 'float8', values: rows.map(({ csat }) => csat) },
    { name: 'text', type: 'text', values: rows.map(({ text }) => text) },
  ]
}

function invoiceColumns(rows: readonly InvoiceRecorded[]): BulkColumn[] {
  return [
    { name: 'source', type: 'text', values: rows.map(({ source }) => source) },
    { name: 'invoice_id', type: 'text', values: rows.map(({ invoiceId }) => invoiceId) },
    { name: 'updated_at', type: 'timestamptz', values: rows.map(({ updatedAt }) => updatedAt) },
    { name: 'account_id', type: 'text', values: rows.map(({ accountId }) => accountId) },
    { name: 'amount_minor', type: 'int8', values: rows.map(({ amountMinor }) => amountMinor) },
    { name: 'currency', type: 'text', values: rows.map(({ currency }) => currency) },
    { name: 'status', type: 'text', values: rows.map(({ status }) => status) },
    { name: 'due_at', type: 'timestamptz', values: rows.map(({ dueAt }) => dueAt) },
    { name: 'paid_at', type: 'timestamptz', values: rows.map(({ paidAt }) => paidAt) },
    { name: 'attempts', type: 'int4', values: rows.map(({ attempts }) => attempts) },
  ]
}

function answerColumns(rows: readonly NpsRecorded[]): BulkColumn[] {
  return [
    { name: 'source', type: 'text', values: rows.map(({ source }) => source) },
    { name: 'response_id', type: 'text', values: rows.map(({ responseId }) => responseId) },
    { name: 'account_id', type: 'text', values: rows.map(({ accountId }) => accountId) },
    { name: 'user_id', type: 'text', values: rows.map(({ userId }) => userId) },
    { name: 'score', type: 'int2', values: rows.map(({ score }) => score) },
    { name: 'comment', type: 'text', values: rows.map(({ comment }) => comment) },
    { name: 'answered_at', type: 'timestamptz', values: rows.map(({ answeredAt }) => answeredAt) },
  ]
}

function planColumns(rows: readonly SubscriptionRecorded[]): BulkColumn[] {
  return [
    { name: 'source', type: 'text', values: rows.map(({ source }) => source) },
    { name: 'subscription_id', type: 'text', values: rows.map(({ subscriptionId }) => subscriptionId) },
    { name: 'updated_at', type: 'timestamptz', values: rows.map(({ updatedAt }) => updatedAt) },
    { name: 'account_id', type: 'text', values: rows.map(({ accountId }) => accountId) },
    { name: 'status', type: 'text', values: rows.map(({ status }) => status) },
    { name: 'plan', type: 'text', values: rows.map(({ plan }) => plan) },
    { name: 'segment', type: 'text', values: rows.map(({ segment }) => segment) },
    { name: 'seats', type: 'int4', values: rows.map(({ seats }) => seats) },
    { name: 'mrr_minor', type: 'int8', values: rows.map(({ mrrMinor }) => mrrMinor) },
    { name: 'currency', type: 'text', values: rows.map(({ currency }) => currency) },
    { name: 'started_at', type: 'timestamptz', values: rows.map(({ startedAt }) => startedAt) },
    { name: 'renews_at', type: 'timestamptz', values: rows.map(({ renewsAt }) => renewsAt) },
    { name: 'cancelled_at', type: 'timestamptz', values: rows.map(({ cancelledAt }) => cancelledAt) },
    { name: 'reason', type: 'text', values: rows.map(({ reason }) => reason) },
  ]
}
