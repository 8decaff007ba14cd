/** Every table of the service: which of its rows are a person's or an account's, or why none is. */

import { type RawBuilder, sql } from 'kysely'

export type KnownPerson = {
  /** Numbers of identifiers. */
  readonly nodes: readonly number[]
  /** `user:` or `anonymous:` and the id. */
  readonly keys: readonly string[]
  readonly users: readonly string[]
  readonly anonymous: readonly string[]
}

type Condition = RawBuilder<unknown>

export type KeptTable = {
  readonly ofPerson?: (person: KnownPerson) => Condition
  readonly ofAccount?: (accountId: string) => Condition
  /** In which order rows are exported, where it matters. */
  readonly order?: string
  /** Why rows are not in a bundle, though they are deleted with the account. */
  readonly notExported?: string
}

const byAccount = (accountId: string) => sql`account_id = ${accountId}`
const byUser = ({ users }: KnownPerson) => sql`user_id = any(${users}::text[])`
const both = { ofPerson: byUser, ofAccount: byAccount }
const account = { ofAccount: byAccount }
const nodesIn = (accountId: string) => sql`
  select node_id from account_node join account on account.id = account_node.account_id
  where account.account_id = ${accountId}`

/** In the order they are exported, and deleted when an account is erased: what is found by others comes before these. */
export const KEPT_TABLES: Readonly<Record<string, KeptTable>> = {
  identifier: { ofPerson: ({ nodes }) => sql`id = any(${nodes}::bigint[])` },
  identity_link: {
    ofPerson: ({ nodes }) => sql`(a = any(${nodes}::bigint[]) or b = any(${nodes}::bigint[]))`,
  },
  profiling_opt_out: { ofPerson: ({ keys }) => sql`key = any(${keys}::text[])` },
  usage_event: {
    ofPerson: ({ nodes }) => sql`node_id = any(${nodes}::bigint[])`,
    ofAccount: (id) => sql`account_id = ${id} and node_id in (${nodesIn(id)})`,
  },
  usage_quarantine: {
    ofPerson: ({ users, anonymous }) =>
      sql`(user_id = any(${users}::text[]) or anonymous_id = any(${anonymous}::text[]))`,
    ofAccount: byAccount,
  },
  usage_cells: {
    ofAccount: (id) => sql`subject = ${`account:${id}`}`,
    notExported: 'Sums of the days of use, which are exported.',
  },
  ticket_state: both,
  nps_answer: both,
  invoice_state: account,
  subscription_state: account,
  health_score: { ofAccount: byAccount, order: 'day, revision' },
  risk_state: account,
  risk_episode: account,
  adoption: account,
  adoption_lag: account,
  churn_features: {
    ofAccount: byAccount,
    notExported: 'What the figures of the account are to the learned model, packed; figures and readings are exported.',
  },
  effect: {
    ofPerson: ({ users }) => sql`(payload ->> 'userId' = any(${users}::text[])
      or about in (select id from action where user_id = any(${users}::text[])))`,
    ofAccount: (id) => sql`about in (select id from action where account_id = ${id})`,
  },
  action_step: both,
  action_task: {
    ofPerson: ({ users }) => sql`action_id in (select id from action where user_id = any(${users}::text[]))`,
    ofAccount: byAccount,
  },
  guidance_message: both,
  action: both,
  playbook_match: account,
  playbook_signal: both,
  contact: both,
  account_node: {
    ofPerson: ({ nodes }) => sql`node_id = any(${nodes}::bigint[])`,
    ofAccount: (id) => sql`account_id = (select id from account where account.account_id = ${id})`,
  },
  account,
}

/** Tables none of whose rows is looked for by a person or an account, and why. */
export const OTHER_TABLES: Readonly<Record<string, string>> = {
  person: 'Days of use, packed: told one by one as lines of their own kind, and deleted or told anew with the person.',
  feature: 'Names of features.',
  event_key: 'Hashes of message ids.',
  erased_key: 'Hashes of ids that are to be refused.',
  tombstone: 'Erasures that are told within seconds, and gone then.',
  health_configuration: 'Weights.',
  health_segment: 'The middle of a segment.',
  health_progress: 'Which days are closed.',
  health_known: 'Sums over all accounts: what was known of a day.',
  adoption_definition: 'What counts as adopted.',
  adoption_day: 'Which days are closed.',
  churn_model: 'Models, fitted over all accounts.',
  churn_day: 'Which days were scored.',
  playbook: 'Active playbooks.',
  playbook_version: 'Definitions of playbooks.',
  critical_alert: 'Alerts of the platform.',
  guidance_item: 'The catalogue of guidance.',
  feature_lift: 'How much better accounts stay that use a feature, over all of them.',
  uplift: 'Models of what playbooks do, fitted over all accounts.',
  effect_attempt: 'Answers of mail servers and webhooks: deleted with their effect.',
  lane: 'How far the service has read.',
  lane_member: 'Processes.',
  outbox: 'Events on their way out, for less than a second.',
  dead_letter: 'Messages nobody could read, as they came; their bytes are not searched.',
  audit: 'Who did what, kept for good: persons are hashes in it, accounts are named.',
  migration: 'Which migrations ran.',
  migration_lock: 'Which process runs them.',
  kit_migration: 'Which migrations ran.',
  kit_migration_lock: 'Which process runs them.',
}
