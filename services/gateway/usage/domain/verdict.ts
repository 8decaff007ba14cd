import { fieldProblem } from './fields.ts'

/** Why an event was not simply stored. A fixed set: it is a label of metrics and a key of the ledger. */
export type UsageCode =
  | 'duplicate'
  | 'too-old'
  | 'too-far-ahead'
  | 'not-an-object'
  | 'unknown-type'
  | 'missing-name'
  | 'missing-identity'
  | 'missing-account'
  | 'missing-previous-id'
  | 'invalid-time'
  | 'text-too-long'
  | 'event-too-large'
  | 'properties-too-large'
  | 'nested-too-deep'
  | 'invalid-cloudevent'
  | 'invalid-fact'

export type VerdictStatus = 'accepted' | 'duplicate' | 'rejected' | 'quarantined'

/** What became of one event of a request. */
export type Verdict = {
  /** Its place in the request, from 0. */
  readonly index: number
  /** The sender's own id of it, null when it has none. */
  readonly messageId: string | null
  readonly status: VerdictStatus
  readonly code: UsageCode | null
  /** What the sender has to change. */
  readonly detail: string
}

export type Refusal = {
  readonly kind: 'refused'
  readonly code: UsageCode
  readonly detail: string
  /** The same without what the sender stated, which may be a name: this is kept, the detail is only answered. */
  readonly onRecord: string
}

export const refused = (code: UsageCode, detail: string, onRecord = detail): Refusal => ({
  ...{ kind: 'refused', code, detail, onRecord },
})

/** Refused for what one field states; `field` is its name in the sender's protocol. */
export function refusedField(code: UsageCode, field: string, expected: string, value: unknown): Refusal {
  return { kind: 'refused', code, ...fieldProblem(field, expected, value) }
}
