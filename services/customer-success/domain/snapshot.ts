/**
 * What is known of an account at the end of a day: the one input of health, risk, adoption lag and the learned model.
 * Everything in it was known then; nothing is from after `day`. The store makes it from tables, a bench from recordings.
 */

/** Days of history a snapshot carries: own-baseline trends look back 84 days before the last 28. */
export const HISTORY_DAYS = 112

export type AccountSnapshot = {
  readonly accountId: string
  /** As people call it; empty when nobody has told. */
  readonly name: string
  /** The last day that is counted, days since 1970-01-01. */
  readonly day: number
  readonly segment: string
  readonly plan: string
  /** Contracted seats, 0 = not known. */
  readonly seats: number
  /** Monthly recurring revenue in the currency's minor unit, 0 = not known. */
  readonly mrrMinor: number
  readonly currency: string
  /** Day the contract began, or of the first event when there is no contract. */
  readonly startedDay: number
  readonly activity: Activity
  /** The person whose silence says most; undefined when nobody has been regular enough to be missed. */
  readonly champion?: ChampionState | undefined
  readonly features: readonly FeatureUse[]
  readonly tickets: readonly TicketState[]
  readonly invoices: readonly InvoiceState[]
  /** Latest answer of each user within 90 days. */
  readonly nps: readonly { readonly day: number; readonly score: number }[]
  readonly subscription: SubscriptionState | undefined
}

/** Index HISTORY_DAYS - 1 is `day`, index 0 the oldest; days before the account began are 0. */
export type Activity = {
  /** Distinct active users of each day. */
  readonly users: Uint32Array
  readonly events: Float64Array
  /** Events that report an error (a `status` of 400 or more, or `error` set), of `apiCalls`. */
  readonly apiCalls: Float64Array
  readonly apiErrors: Float64Array
  /** Distinct active users in the 7, 28 and 84 days up to `day`, and in the 28 days before those 28. */
  readonly users7: number
  readonly users28: number
  readonly users84: number
  readonly users28Before: number
  /** Day of the last event, undefined when there was none. */
  readonly lastDay: number | undefined
}

/** Somebody regular who stopped coming, see `championOf` in health/champion.ts. */
export type ChampionState = {
  readonly userId: string
  readonly lastDay: number
  /** Active days expected of them, at their own pace, since they were last seen. */
  readonly missedDays: number
}

export type FeatureUse = {
  readonly feature: string
  readonly isCore: boolean
  /** Whether the plan includes it. */
  readonly isEntitled: boolean
  /** In the 28 days up to `day`, and in the 28 before. */
  readonly uses28: number
  readonly users28: number
  readonly uses28Before: number
  /** Day of the first use ever, undefined when it was never used. */
  readonly firstDay: number | undefined
}

export type TicketState = {
  readonly openedDay: number
  /** Undefined while open at the end of `day`. */
  readonly resolvedDay: number | undefined
  readonly severity: 'low' | 'normal' | 'high' | 'urgent'
  readonly reopened: number
  /** 1 to 5, undefined when not asked. */
  readonly csat: number | undefined
}

export type InvoiceState = {
  readonly dueDay: number
  /** Undefined while unpaid at the end of `day`. */
  readonly paidDay: number | undefined
  readonly status: 'open' | 'paid' | 'failed' | 'final_failed' | 'refunded' | 'void'
  readonly amountMinor: number
}

export type SubscriptionState = {
  readonly status: 'trialing' | 'active' | 'past_due' | 'cancel_requested' | 'cancelled'
  /** Seats when the contract began or was last renewed, to see a reduction; 0 = not known. */
  readonly seatsBefore: number
  readonly renewsDay: number | undefined
  readonly cancelledDay: number | undefined
}
