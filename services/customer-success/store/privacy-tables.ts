/** Rows of privacy, as queries see them. */

import type { GeneratedAlways } from 'kysely'

export type PrivacyTables = {
  profiling_opt_out: { key: string; opted_out_at: Date }
  tombstone: TombstoneTable
}

export type TombstoneTable = {
  id: GeneratedAlways<number>
  kind: 'person' | 'account'
  /** sha256 of the identifier, hexadecimal. */
  hash: string
  account_id: string
  /** Enrolments that were for the person. */
  action_ids: string[]
  erased_at: Date
}
