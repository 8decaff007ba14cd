/** Snapshots from facts: what of each fact was known at the end of a day. Shared by the store and the benches. */

import type { AccountSnapshot, InvoiceState, SubscriptionState, TicketState } from './snapshot.ts'

/** Days an answer to the NPS question stands for its user. */
export const NPS_DAYS = 90

/** Facts of one account, whenever they happened. */
export type AccountFacts = Omit<AccountSnapshot, 'day' | 'activity' | 'features' | 'champion' | 'nps'> & {
  readonly nps: readonly NpsAnswer[]
}

export type NpsAnswer = { readonly userId: string; readonly day: number; readonly score: number }

export type AccountUsage = Pick<AccountSnapshot, 'activity' | 'features' | 'champion'>

/**
 * The snapshot at the end of `day`. Facts that began later are left out, and what ended later has not ended.
 * @example assemble({ ...account, tickets: [openedToday] }, usage, yesterday).tickets // []
 */
export function assemble(
  facts: AccountFacts,
  { activity, features, champion }: AccountUsage,
  day: number,
): AccountSnapshot {
  return {
    ...facts,
    day,
    activity,
    features,
    champion,
    tickets: facts.tickets.filter(({ openedDay }) => openedDay <= day).map((ticket) => ticketAt(ticket, day)),
    invoices: facts.invoices.filter(({ dueDay }) => dueDay <= day).map((invoice) => invoiceAt(invoice, day)),
    nps: latestAnswers(facts.nps, day),
    subscription: facts.subscription && subscriptionAt(facts.subscription, day),
  }
}

/** Satisfaction is asked once the ticket is resolved. */
function ticketAt(ticket: TicketState, day: number): TicketState {
  const isResolved = ticket.resolvedDay !== undefined && ticket.resolvedDay <= day
  return isResolved ? ticket : { ...ticket, resolvedDay: undefined, csat: undefined }
}

function invoiceAt(invoice: InvoiceState, day: number): InvoiceState {
  if (invoice.paidDay === undefined || invoice.paidDay <= day) return invoice
  return { ...invoice, paidDay: undefined, status: 'open' }
}

function subscriptionAt(subscription: SubscriptionState, day: number): SubscriptionState {
  if (subscription.cancelledDay === undefined || subscription.cancelledDay <= day) return subscription
  return { ...subscription, cancelledDay: undefined, status: 'active' }
}

/** Answers that name nobody are each somebody's. */
function latestAnswers(answers: readonly NpsAnswer[], day: number): AccountSnapshot['nps'] {
  const standing = answers.filter((answer) => answer.day <= day && answer.day > day - NPS_DAYS)
  const latest = new Map<string, NpsAnswer>()
  for (const answer of standing) {
    const known = latest.get(answer.userId)
    if (answer.userId !== '' && (known === undefined || known.day <= answer.day)) latest.set(answer.userId, answer)
  }
  const anonymous = standing.filter(({ userId }) => userId === '')
  return [...latest.values(), ...anonymous].map(({ day: answered, score }) => ({ day: answered, score }))
}
