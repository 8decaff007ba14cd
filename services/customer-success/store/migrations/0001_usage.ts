import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createCatalogue(db)
  await createPersons(db)
  await createEvents(db)
  await createCells(db)
  await createFacts(db)
}

async function createCatalogue(db: Kysely<unknown>): Promise<void> {
  // plan and segment: of the newest subscription that states them, else of the traits of the newest group call.
  await sql`
    create table account (
      id int generated always as identity primary key,
      account_id text not null unique,
      name text not null default '',
      trait_plan text not null default '',
      trait_segment text not null default '',
      traits_at timestamptz,
      plan text not null default '',
      segment text not null default ''
    )`.execute(db)
  // Numbers below 3 stand for any use, API calls and their errors (domain/usage-cells.ts). plans: null = all of them.
  await sql`
    create table feature (
      id int generated always as identity (start with 3) primary key,
      name text not null unique,
      is_core boolean not null default true,
      plans text[]
    )`.execute(db)
}

async function createPersons(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table identifier (
      id bigint generated always as identity primary key,
      key text not null unique,
      person_id bigint not null
    )`.execute(db)
  await sql`create index identifier_by_person on identifier (person_id)`.execute(db)
  // uses: domain/usage-codec.ts; null until there are any. Rewritten all the time, so pages keep room.
  await sql`
    create table person (id bigint primary key, uses bytea storage external) with (fillfactor = 60)`.execute(db)
  await sql`
    create table identity_link (
      a bigint not null references identifier,
      b bigint not null references identifier,
      linked_at timestamptz not null,
      removed_at timestamptz,
      removed_by text,
      primary key (a, b)
    )`.execute(db)
  await sql`create index identity_link_by_b on identity_link (b)`.execute(db)
  // sha256 of identifiers whose persons were erased: nothing of them is taken in again.
  await sql`create table erased_key (hash bytea primary key, erased_at timestamptz not null)`.execute(db)
  // Identifiers that have ever done something in an account.
  await sql`
    create table account_node (
      account_id int not null,
      node_id bigint not null,
      primary key (account_id, node_id)
    )`.execute(db)
  await sql`create index account_node_by_node on account_node (node_id)`.execute(db)
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table usage_event (
      event_id bytea not null,
      occurred_at timestamptz not null,
      original_at timestamptz not null,
      sent_at timestamptz,
      received_at timestamptz not null,
      source text not null,
      kind smallint not null,
      node_id bigint not null,
      account_id text not null,
      user_id text not null,
      anonymous_id text not null,
      name text not null,
      quantity float8 not null,
      properties text not null,
      context text not null
    ) partition by range (occurred_at)`.execute(db)
  await sql`create index usage_event_by_node on usage_event (node_id)`.execute(db)
  // Every event that was taken in, whatever day a resend of it falls on. Keys come in by time, so what is too old lies
  // together: a range index finds it.
  await sql`create table event_key (event_id bytea primary key, received_day int not null)`.execute(db)
  await sql`create index event_key_by_day on event_key using brin (received_day)`.execute(db)
  await sql`
    create table usage_quarantine (
      event_id bytea primary key,
      reason text not null,
      occurred_at timestamptz not null,
      received_at timestamptz not null,
      source text not null,
      kind smallint not null,
      account_id text not null,
      user_id text not null,
      anonymous_id text not null,
      name text not null,
      properties text not null
    )`.execute(db)
}

async function createCells(db: Kysely<unknown>): Promise<void> {
  // What a subject's block of 28 days holds is the sum of its rows (domain/usage-codec.ts). Batches only add rows, which
  // makes nobody wait for anybody; fresh ones are summed up now and then.
  await sql`
    create table usage_cells (
      subject text not null,
      block int not null,
      fresh boolean not null,
      cells bytea storage external not null
    )`.execute(db)
  await sql`create index usage_cells_by_subject on usage_cells (subject, block)`.execute(db)
  await sql`create index usage_cells_fresh on usage_cells (subject, block) where fresh`.execute(db)
}

/** States of facts: all that were told, since what counts is the newest one of its time. */
async function createFacts(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table ticket_state (
      source text not null,
      ticket_id text not null,
      updated_at timestamptz not null,
      account_id text not null,
      user_id text not null,
      severity text not null,
      opened_at timestamptz not null,
      resolved_at timestamptz,
      reopened int not null,
      csat float8,
      text text not null,
      primary key (source, ticket_id, updated_at)
    )`.execute(db)
  await sql`create index ticket_state_by_account on ticket_state (account_id)`.execute(db)
  await sql`create index ticket_state_by_user on ticket_state (user_id)`.execute(db)
  await sql`
    create table invoice_state (
      source text not null,
      invoice_id text not null,
      updated_at timestamptz not null,
      account_id text not null,
      amount_minor bigint not null,
      currency text not null,
      status text not null,
      due_at timestamptz not null,
      paid_at timestamptz,
      attempts int not null,
      primary key (source, invoice_id, updated_at)
    )`.execute(db)
  await sql`create index invoice_state_by_account on invoice_state (account_id)`.execute(db)
  await sql`
    create table nps_answer (
      source text not null,
      response_id text not null,
      account_id text not null,
      user_id text not null,
      score smallint not null,
      comment text not null,
      answered_at timestamptz not null,
      primary key (source, response_id)
    )`.execute(db)
  await sql`create index nps_answer_by_account on nps_answer (account_id)`.execute(db)
  await sql`create index nps_answer_by_user on nps_answer (user_id)`.execute(db)
  await sql`
    create table subscription_state (
      source text not null,
      subscription_id text not null,
      updated_at timestamptz not null,
      account_id text not null,
      status text not null,
      plan text not null,
      segment text not null,
      seats int not null,
      mrr_minor bigint not null,
      currency text not null,
      started_at timestamptz not null,
      renews_at timestamptz,
      cancelled_at timestamptz,
      reason text not null,
      primary key (source, subscription_id, updated_at)
    )`.execute(db)
  await sql`create index subscription_state_by_account on subscription_state (account_id)`.execute(db)
}
