import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createPlaybooks(db)
  await createActions(db)
  await createPeople(db)
}

async function createPlaybooks(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table playbook_version (
      id text not null,
      version int not null,
      definition jsonb not null,
      created_at timestamptz not null,
      created_by text not null,
      primary key (id, version)
    )`.execute(db)
  // The active ones. Days up to evaluated_day have been looked at.
  await sql`
    create table playbook (
      id text primary key,
      version int not null,
      activated_at timestamptz not null,
      evaluated_day int not null,
      foreign key (id, version) references playbook_version
    )`.execute(db)
  // Since when a condition has held, unbroken, by the last day it held on.
  await sql`
    create table playbook_match (
      playbook_id text not null,
      account_id text not null,
      since_day int not null,
      last_day int not null,
      primary key (playbook_id, account_id)
    ) with (fillfactor = 70)`.execute(db)
  // Events that may trigger: kept for dry runs when they are taken.
  await sql`
    create table playbook_signal (
      id text primary key,
      event text not null,
      account_id text not null,
      user_id text not null,
      at timestamptz not null,
      episode_id text not null,
      reason text not null,
      taken boolean not null default false
    )`.execute(db)
  await sql`create index playbook_signal_waiting on playbook_signal (at, id) where not taken`.execute(db)
  await sql`create index playbook_signal_by_event on playbook_signal (event, at)`.execute(db)
  await sql`create table critical_alert (id text primary key, name text not null, at timestamptz not null)`.execute(db)
}

async function createActions(db: Kysely<unknown>): Promise<void> {
  // One row an enrolment, of every arm; version 0 is a manual action.
  await sql`
    create table action (
      id text primary key,
      playbook_id text not null,
      version int not null,
      priority int not null,
      account_id text not null,
      user_id text not null,
      mode text not null,
      arm text not null,
      holdout_share float8 not null,
      state text not null,
      triggered_at timestamptz not null,
      episode_id text not null,
      reason text not null,
      started_by text not null,
      told boolean not null default true,
      step text not null,
      due_at timestamptz,
      goal jsonb not null,
      goal_before float8,
      window_ends_at timestamptz not null,
      outcome_at timestamptz,
      goal_after float8,
      reached boolean
    ) with (fillfactor = 70)`.execute(db)
  await sql`create index action_due on action (due_at) where state = 'running'`.execute(db)
  await sql`create index action_untold on action (triggered_at) where not told`.execute(db)
  await sql`create index action_window on action (window_ends_at) where outcome_at is null`.execute(db)
  await sql`create index action_by_account on action (account_id, triggered_at)`.execute(db)
  await sql`create index action_by_playbook on action (playbook_id, triggered_at)`.execute(db)
  await sql`create index action_by_time on action (triggered_at, id)`.execute(db)
  // What each step came to, for whom, and why not; a reason is kept once however often it is met.
  await sql`
    create table action_step (
      action_id text not null references action on delete cascade,
      step text not null,
      user_id text not null,
      outcome text not null,
      reason text not null,
      account_id text not null,
      at timestamptz not null,
      effect_key text not null,
      primary key (action_id, step, user_id, outcome, reason)
    )`.execute(db)
  await sql`create index action_step_sent on action_step (account_id, at) where outcome = 'sent'`.execute(db)
  await sql`
    create table action_task (
      id text primary key,
      action_id text not null references action on delete cascade,
      account_id text not null,
      title text not null,
      assignee text not null,
      created_at timestamptz not null,
      done_at timestamptz,
      done_by text
    )`.execute(db)
  await sql`create index action_task_by_time on action_task (created_at, id)`.execute(db)
}

async function createPeople(db: Kysely<unknown>): Promise<void> {
  // Who may be contacted, where and when. Nobody consents by silence.
  await sql`
    create table contact (
      account_id text not null,
      user_id text not null,
      email text not null default '',
      roles text[] not null default '{}',
      time_zone text not null default 'UTC',
      consent boolean not null default false,
      do_not_contact boolean not null default false,
      updated_at timestamptz not null,
      primary key (account_id, user_id)
    )`.execute(db)
  await sql`create index contact_by_user on contact (user_id)`.execute(db)
  // What a playbook shows a person in the product.
  await sql`
    create table guidance_message (
      id text primary key,
      action_id text not null references action on delete cascade,
      account_id text not null,
      user_id text not null,
      title text not null,
      text text not null,
      created_at timestamptz not null,
      dismissed_at timestamptz
    )`.execute(db)
  await sql`create index guidance_message_by_user on guidance_message (user_id, created_at)`.execute(db)
  await sql`
    create table guidance_item (
      id text primary key,
      definition jsonb not null,
      updated_at timestamptz not null,
      updated_by text not null
    )`.execute(db)
  // How much better accounts that use a feature stay, by plan and age, as last reckoned.
  await sql`
    create table feature_lift (
      plan text not null,
      age_band text not null,
      feature text not null,
      lift float8 not null,
      low float8 not null,
      accounts int not null,
      primary key (plan, age_band, feature)
    )`.execute(db)
}
