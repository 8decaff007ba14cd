/** One usage event, and what it says about who did what where. */

import { USAGE_KIND } from '@plimsoll/contracts/usage-batch.ts'
import { DAY_MS } from './day.ts'
import { isActivity, isApiCall, jsonObject, reportsError } from './usage-kind.ts'

export type UsageRow = {
  /** 16 bytes. */
  readonly eventId: Uint8Array
  readonly source: string
  readonly kind: number
  readonly name: string
  /** Empty = not stated, also below. */
  readonly accountId: string
  readonly userId: string
  readonly anonymousId: string
  readonly quantity: number
  readonly atMs: number
  readonly originalMs: number
  /** 0 = not stated. */
  readonly sentMs: number
  readonly receivedMs: number
  readonly properties: string
  readonly context: string
}

/** Why an event is not counted; undefined when it is. Told by the times it carries, so that a replay decides alike. */
export function quarantineReason({ atMs, receivedMs }: UsageRow, lateDays: number): string | undefined {
  if (atMs < receivedMs - lateDays * DAY_MS) return `more than ${lateDays} days old when it was received`
  if (atMs > receivedMs + DAY_MS) return 'more than a day ahead of when it was received'
  return undefined
}

/** What an event counts for. */
export type Meaning = {
  readonly isUse: boolean
  /** Name of the feature used; empty = none in particular. */
  readonly feature: string
  readonly isApiCall: boolean
  readonly isApiError: boolean
}

/**
 * An API call is a metered quantity, or an event whose name says so; a failed one reports an error.
 * @example meaningOf({ kind: USAGE_KIND.track, name: 'api_called', properties: '{"status":500}' }).isApiError // true
 */
export function meaningOf({ kind, name, properties }: Pick<UsageRow, 'kind' | 'name' | 'properties'>): Meaning {
  const isUse = isActivity(kind)
  const isCall = isUse && (kind === USAGE_KIND.quantity || isApiCall(name))
  return { isUse, feature: isUse ? name : '', isApiCall: isCall, isApiError: isCall && reportsError(properties) }
}

/** Whom else an alias names: by its traits' `previousId`, which may be a user's or an anonymous one. */
export function previousId({ kind, properties }: Pick<UsageRow, 'kind' | 'properties'>): string {
  return kind === USAGE_KIND.alias ? textOf(jsonObject(properties).previousId) : ''
}

export type AccountTraits = { readonly name: string; readonly plan: string; readonly segment: string }

/** What a group call says of its account; undefined for other events and for nothing said. */
export function traitsOf({ kind, properties }: Pick<UsageRow, 'kind' | 'properties'>): AccountTraits | undefined {
  if (kind !== USAGE_KIND.group) return undefined
  const { name, plan, segment } = jsonObject(properties)
  const traits = { name: textOf(name), plan: textOf(plan), segment: textOf(segment) }
  return Object.values(traits).some((text) => text !== '') ? traits : undefined
}

const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
