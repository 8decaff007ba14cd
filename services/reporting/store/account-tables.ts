import type {
  ActionArm,
  ActionMode,
  HealthBand,
  HealthDriver,
  RiskTrigger,
} from '@plimsoll/contracts/generated/types.ts'
import type { TimelineEntry } from '../domain/timeline.ts'
import type { Json } from './json.ts'

/** An account: its newest score, its open risk episode and what it does not use yet. */
export type AccountHealthTable = {
  account_id: string
  /** Empty when nobody has told, as plan and segment. */
  name: string
  plan: string
  segment: string
  /** `severityOf`: the first thing the book is ordered by. */
  severity: number
  health_at: Date | null
  score: number | null
  band: HealthBand
  confidence: number | null
  provisional: boolean
  trend7: number | null
  trend28: number | null
  churn_probability: number | null
  drivers: Json<readonly HealthDriver[]>
  risk_changed_at: Date | null
  /** Of the open episode, as the four that follow; null, 0 or empty while there is none. */
  episode_id: string | null
  raised_at: Date | null
  trigger: RiskTrigger | null
  mrr_minor: number
  currency: string
  risk_reason: string
  lag_at: Date | null
  breadth: number | null
  expected: number | null
  missing: Json<readonly string[]>
}

/** Enrolments of every arm. The five from `outcome_at` on are null while it is open. */
export type AccountActionTable = {
  action_id: string
  account_id: string
  playbook: string
  mode: ActionMode | null
  arm: ActionArm
  triggered_at: Date
  reason: string
  outcome_at: Date | null
  metric: string | null
  before: number | null
  after: number | null
  reached: boolean | null
}

/** The account's story; the four before `text` are the key. */
export type AccountEventTable = {
  account_id: string
  at: Date
  kind: TimelineEntry['kind']
  subject: string
  text: string
}

export type AccountTables = {
  account_health: AccountHealthTable
  account_action: AccountActionTable
  account_event: AccountEventTable
  /** sha256 of `account:` and the id, hexadecimal. */
  erased_account: { hash: string }
}
