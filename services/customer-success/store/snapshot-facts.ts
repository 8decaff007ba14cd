/** What CRM, billing and support told of accounts: contracts, tickets, invoices and answers, as known on a day. */

import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import type { Selectable } from 'kysely'
import type { AccountFacts, NpsAnswer } from '../domain/assemble.ts'
import { dayOf, startOf } from '../domain/day.ts'
import type { InvoiceState, TicketState } from '../domain/snapshot.ts'
import type { OptOuts } from './opt-outs.ts'
import type { AccountTable, UsageTables } from './usage-tables.ts'

type Account = Selectable<AccountTable>
type Ticket = Selectable<UsageTables['ticket_state']>
type Invoice = Selectable<UsageTables['invoice_state']>
type Subscription = Selectable<UsageTables['subscription_state']>
type Answer = Selectable<UsageTables['nps_answer']>

/** By account, then by day: undefined before the account began, which is with its first use if it has no contract. */
export async function factsOf(
  reader: ReaderDatabase<UsageTables>,
  accounts: readonly Account[],
  { users }: Pick<OptOuts, 'users'>,
) {
  const ids = accounts.map(({ account_id }) => account_id)
  const [tickets, invoices, subscriptions, answers] = await Promise.all([
    reader.selectFrom('ticket_state').selectAll().where('account_id', 'in', ids).orderBy('updated_at').execute(),
    reader.selectFrom('invoice_state').selectAll().where('account_id', 'in', ids).orderBy('updated_at').execute(),
    reader
      .selectFrom('subscription_state')
      .selectAll()
      .where('account_id', 'in', ids)
      .orderBy('updated_at')
      .orderBy('source')
      .orderBy('subscription_id')
      .execute(),
    reader.selectFrom('nps_answer').selectAll().where('account_id', 'in', ids).execute(),
  ])
  const scored = ({ user_id }: { readonly user_id: string }): boolean => !users.has(user_id)
  const ticketsBy = thingsBy(tickets.filter(scored), ({ ticket_id }) => ticket_id, ticketOf)
  const invoicesBy = thingsBy(invoices, ({ invoice_id }) => invoice_id, invoiceOf)
  const contractsBy = Map.groupBy(subscriptions, ({ account_id }) => account_id)
  const answersBy = Map.groupBy(answers.filter(scored), ({ account_id }) => account_id)
  return (account: Account, firstUse: number): ((day: number) => AccountFacts | undefined) => {
    const { account_id: accountId, name, segment, plan } = account
    const contracts = (contractsBy.get(accountId) ?? []).map((row) => toldBy(row, row))
    const ownTickets = ticketsBy.get(accountId) ?? []
    const ownInvoices = invoicesBy.get(accountId) ?? []
    const nps = (answersBy.get(accountId) ?? []).map(answerOf)
    return (day) => {
      const endMs = startOf(day + 1)
      const contract = stateAt(contracts, endMs)
      const startedDay = contract === undefined ? firstUse : dayOf(contract.started_at.getTime())
      if (!(startedDay <= day)) return undefined
      return {
        ...{ accountId, name, segment, plan, startedDay, nps },
        seats: contract?.seats ?? 0,
        mrrMinor: contract?.mrr_minor ?? 0,
        currency: contract?.currency ?? '',
        tickets: ownTickets.flatMap((states) => stateAt(states, endMs) ?? []),
        invoices: ownInvoices.flatMap((states) => stateAt(states, endMs) ?? []),
        subscription: contract && {
          status: contract.status,
          seatsBefore: seatsBefore(contracts.filter(({ toldMs }) => toldMs < endMs)),
          renewsDay: dayOrNone(contract.renews_at),
          cancelledDay: dayOrNone(contract.cancelled_at),
        },
      }
    }
  }
}

const ticketOf = (row: Ticket): TicketState => ({
  openedDay: dayOf(row.opened_at.getTime()),
  resolvedDay: dayOrNone(row.resolved_at),
  severity: row.severity,
  reopened: row.reopened,
  csat: row.csat ?? undefined,
})

const invoiceOf = (row: Invoice): InvoiceState => ({
  dueDay: dayOf(row.due_at.getTime()),
  paidDay: dayOrNone(row.paid_at),
  status: row.status,
  amountMinor: row.amount_minor,
})

const answerOf = (row: Answer): NpsAnswer => ({
  userId: row.user_id,
  day: dayOf(row.answered_at.getTime()),
  score: row.score,
})

/** A state of a thing, and when it was told. */
type Told<State> = { readonly toldMs: number; readonly state: State }

const toldBy = <State>(row: { readonly updated_at: Date }, state: State): Told<State> => ({
  toldMs: row.updated_at.getTime(),
  state,
})

type Row = { readonly account_id: string; readonly source: string; readonly updated_at: Date }

/** Things by account, each with its states; oldest first if the rows are. */
function thingsBy<R extends Row, State>(
  rows: readonly R[],
  idOf: (row: R) => string,
  stateOf: (row: R) => State,
): Map<string, Told<State>[][]> {
  const found = new Map<string, Told<State>[][]>()
  for (const states of Map.groupBy(rows, (row) => JSON.stringify([row.account_id, row.source, idOf(row)])).values()) {
    const accountId = states[0]?.account_id ?? ''
    const things = found.get(accountId) ?? []
    found.set(accountId, things)
    things.push(states.map((row) => toldBy(row, stateOf(row))))
  }
  return found
}

/** The newest state told before `endMs`; of what was told later the oldest, which assembling cuts back to then. */
const stateAt = <State>(states: readonly Told<State>[], endMs: number): State | undefined =>
  (states.findLast(({ toldMs }) => toldMs < endMs) ?? states[0])?.state

const dayOrNone = (at: Date | null): number | undefined => (at === null ? undefined : dayOf(at.getTime()))

/** Seats as the running term began: in the first state that has the renewal of the last one. */
function seatsBefore(states: readonly Told<Subscription>[]): number {
  const renewal = states.at(-1)?.state.renews_at?.getTime()
  return states.find(({ state }) => state.renews_at?.getTime() === renewal)?.state.seats ?? 0
}
