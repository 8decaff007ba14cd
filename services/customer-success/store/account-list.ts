/** Accounts and what happened to them, as lists. */

import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import type { UsageTables } from './usage-tables.ts'

export type AccountFilter = {
  readonly search?: string
  readonly plan?: string
  readonly segment?: string
  readonly after?: string
}

/** In the order of their ids. */
export async function listAccounts(reader: ReaderDatabase<UsageTables>, filter: AccountFilter, limit: number) {
  const { search, plan, segment, after } = filter
  let query = reader
    .selectFrom('account')
    .leftJoinLateral(
      (from) =>
        from
          .selectFrom('subscription_state')
          .select(['status', 'seats', 'mrr_minor', 'currency'])
          .whereRef('subscription_state.account_id', '=', 'account.account_id')
          .orderBy('updated_at', 'desc')
          .limit(1)
          .as('subscription'),
      (join) => join.onTrue(),
    )
    .select(['account.account_id', 'account.name', 'account.plan', 'account.segment'])
    .select(['subscription.status', 'subscription.seats', 'subscription.mrr_minor', 'subscription.currency'])
    .orderBy('account.account_id')
    .limit(limit)
  if (plan !== undefined) query = query.where('account.plan', '=', plan)
  if (segment !== undefined) query = query.where('account.segment', '=', segment)
  if (after !== undefined) query = query.where('account.account_id', '>', after)
  if (search !== undefined) {
    query = query.where(
      sql<boolean>`position(lower(${search}) in lower(account.account_id || ' ' || account.name)) > 0`,
    )
  }
  return (await query.execute()).map((row) => ({
    accountId: row.account_id,
    name: row.name,
    plan: row.plan,
    segment: row.segment,
    status: row.status,
    seats: row.seats ?? 0,
    mrrMinor: row.mrr_minor ?? 0,
    currency: row.currency ?? '',
  }))
}

export type TimelineEntry = {
  readonly at: Date
  readonly kind: 'ticket' | 'ticket_resolved' | 'invoice' | 'nps' | 'subscription'
  readonly id: string
  readonly text: string
}

export type TimelinePlace = { readonly at: string; readonly kind: string; readonly id: string }

/** What happened to an account, newest first. Of tickets and invoices the newest state is told. */
export async function timelineOf(
  reader: ReaderDatabase<UsageTables>,
  accountId: string,
  before: TimelinePlace | undefined,
  limit: number,
): Promise<TimelineEntry[]> {
  const place = before ?? { at: 'infinity', kind: '', id: '' }
  const query = sql<TimelineEntry & { readonly amount_minor: number | null; readonly currency: string | null }>`
    with ticket as (
      select distinct on (source, ticket_id) * from ticket_state
      where account_id = ${accountId} order by source, ticket_id, updated_at desc
    ), invoice as (
      select distinct on (source, invoice_id) * from invoice_state
      where account_id = ${accountId} order by source, invoice_id, updated_at desc
    ), entry as (
      select opened_at as at, 'ticket' as kind, ticket_id as id, severity as text,
        null::bigint as amount_minor, null as currency
      from ticket
      union all
      select resolved_at, 'ticket_resolved', ticket_id, coalesce('satisfaction ' || csat, ''), null, null from ticket
      where resolved_at is not null
      union all
      select coalesce(paid_at, due_at), 'invoice', invoice_id, status, amount_minor, currency from invoice
      union all
      select answered_at, 'nps', response_id, score::text, null, null from nps_answer where account_id = ${accountId}
      union all
      select updated_at, 'subscription', subscription_id, status || coalesce(' ' || nullif(plan, ''), ''), null, null
      from subscription_state where account_id = ${accountId}
    )
    select at, kind, id, text, amount_minor, currency from entry
    where (at, kind, id) < (${place.at}::timestamptz, ${place.kind}, ${place.id})
    order by at desc, kind desc, id desc limit ${limit}`
  const { rows } = await query.execute(reader as unknown as Parameters<typeof query.execute>[0])
  return rows.map(({ amount_minor: minor, currency, text, ...entry }) => ({
    ...entry,
    text: minor === null || currency === null ? text : `${text} ${inMainUnit(minor, currency)} ${currency}`,
  }))
}

/** @example inMainUnit(9_900, 'EUR') // '99.00', while 9,900 JPY are '9900' */
function inMainUnit(minor: number, currency: string): string {
  const style = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions()
  const digits = style.maximumFractionDigits ?? 2
  return (minor / 10 ** digits).toFixed(digits)
}
