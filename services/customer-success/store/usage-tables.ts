/** Rows of usage, identity and facts, as queries see them. */

import type { ColumnType, GeneratedAlways } from 'kysely'
import type { PrivacyTables } from './privacy-tables.ts'

type Time = ColumnType<Date, Date | string, Date | string>
type NullableTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>

export type AccountTable = {
  id: GeneratedAlways<number>
  account_id: string
  name: ColumnType<string, string | undefined, string>
  trait_plan: ColumnType<string, string | undefined, string>
  trait_segment: ColumnType<string, string | undefined, string>
  traits_at: NullableTime
  /** In force: of the newest subscription that states it, else of the traits. */
  plan: ColumnType<string, string | undefined, string>
  segment: ColumnType<string, string | undefined, string>
}

export type FeatureTable = {
  id: GeneratedAlways<number>
  name: string
  is_core: ColumnType<boolean, boolean | undefined, boolean>
  /** Plans that include it; null = all. */
  plans: ColumnType<string[] | null, string[] | null | undefined, string[] | null>
}

export type IdentifierTable = { id: GeneratedAlways<number>; key: string; person_id: number }

export type PersonTable = { id: number; uses: Uint8Array | null }

export type IdentityLinkTable = {
  a: number
  b: number
  linked_at: Time
  /** A link that was taken back stays so, also when it is told again. */
  removed_at: NullableTime
  removed_by: string | null
}

export type ErasedKeyTable = { hash: Uint8Array; erased_at: Time }

export type AccountNodeTable = { account_id: number; node_id: number }

export type UsageEventTable = {
  event_id: Uint8Array
  occurred_at: Time
  original_at: Time
  sent_at: NullableTime
  received_at: Time
  source: string
  kind: number
  node_id: number
  account_id: string
  user_id: string
  anonymous_id: string
  name: string
  quantity: number
  properties: string
  context: string
}

export type EventKeyTable = { event_id: Uint8Array; received_day: number }

export type UsageQuarantineTable = Omit<UsageEventTable, 'node_id'> & { reason: string }

export type UsageCellsTable = { subject: string; block: number; fresh: boolean; cells: Uint8Array }

export type TicketStateTable = {
  source: string
  ticket_id: string
  updated_at: Time
  account_id: string
  user_id: string
  severity: 'low' | 'normal' | 'high' | 'urgent'
  opened_at: Time
  resolved_at: NullableTime
  reopened: number
  csat: number | null
  text: string
}

export type InvoiceStateTable = {
  source: string
  invoice_id: string
  updated_at: Time
  account_id: string
  amount_minor: number
  currency: string
  status: 'open' | 'paid' | 'failed' | 'final_failed' | 'refunded' | 'void'
  due_at: Time
  paid_at: NullableTime
  attempts: number
}

export type NpsAnswerTable = {
  source: string
  response_id: string
  account_id: string
  user_id: string
  score: number
  comment: string
  answered_at: Time
}

export type SubscriptionStateTable = {
  source: string
  subscription_id: string
  updated_at: Time
  account_id: string
  status: 'trialing' | 'active' | 'past_due' | 'cancel_requested' | 'cancelled'
  plan: string
  segment: string
  seats: number
  mrr_minor: number
  currency: string
  started_at: Time
  renews_at: NullableTime
  cancelled_at: NullableTime
  reason: string
}

export type UsageTables = {
  account: AccountTable
  feature: FeatureTable
  identifier: IdentifierTable
  person: PersonTable
  identity_link: IdentityLinkTable
  account_node: AccountNodeTable
  erased_key: ErasedKeyTable
  profiling_opt_out: PrivacyTables['profiling_opt_out']
  usage_event: UsageEventTable
  event_key: EventKeyTable
  usage_quarantine: UsageQuarantineTable
  usage_cells: UsageCellsTable
  ticket_state: TicketStateTable
  invoice_state: InvoiceStateTable
  nps_answer: NpsAnswerTable
  subscription_state: SubscriptionStateTable
}
