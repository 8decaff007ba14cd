import type { USAGE_KIND } from '@plimsoll/contracts/usage-batch.ts'
import type { Fact } from './fact.ts'
import type { Fields } from './fields.ts'
import type { Refusal } from './verdict.ts'

export type UsageKind = keyof typeof USAGE_KIND

/** A usage event as its protocol states it: mapped to our terms, not yet checked. Empty texts for what is not there. */
export type Draft = {
  readonly kind: UsageKind
  readonly name: string
  readonly userId: string
  readonly anonymousId: string
  readonly accountId: string
  /** The sender's id of the event. */
  readonly messageId: string
  /** What the id is unique within, where that is less than the source. */
  readonly idScope: string
  /** As the sender wrote them; undefined for what it did not state. */
  readonly time: unknown
  readonly sentAt: unknown
  readonly quantity: number
  /** Of an alias `previousId` alone. */
  readonly properties: Fields
  readonly context: DraftContext
  readonly called: FieldNames
  /** The event as it came: its size, its depth and, without an id, its identity are taken from it. */
  readonly given: unknown
}

/** What a protocol calls the fields that an event may lack or state wrongly: its senders know no others. */
export type FieldNames = {
  readonly time: string
  readonly account: string
  readonly person: string
  /** Both ids of an alias. */
  readonly alias: string
}

export type DraftContext = {
  readonly libraryName: string
  readonly libraryVersion: string
  readonly plan: string
  readonly ip: string
}

/** One element of a request's body, read. */
export type Read =
  | { readonly kind: 'usage'; readonly draft: Draft }
  | { readonly kind: 'fact'; readonly fact: Fact; readonly messageId: string }
  | Refusal

export const usage = (draft: Draft): Read => ({ kind: 'usage', draft })
