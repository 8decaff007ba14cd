import { createLanePages } from '@plimsoll/kit/lanes/pages.ts'
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createCatalogue(db)
  await createWindows(db)
  await createFindings(db)
  await createLaneState(db)
}

/** What is measured: written once per endpoint, cell, gauge and series. */
async function createCatalogue(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table endpoint (
      id bigint primary key,
      lane smallint not null,
      source text not null,
      service text not null,
      environment text not null,
      endpoint text not null,
      method text not null,
      instrument text not null,
      last_at timestamptz
    )`.execute(db)
  await sql`create index endpoint_by_service on endpoint (service, environment, id)`.execute(db)
  await sql`create index endpoint_by_lane on endpoint (lane, id)`.execute(db)
  await sql`
    create table cell (
      id bigint primary key,
      endpoint_id bigint not null references endpoint,
      status_class smallint not null,
      release text not null
    )`.execute(db)
  await sql`create index cell_by_endpoint on cell (endpoint_id, id)`.execute(db)
  await sql`
    create table gauge (
      id bigint primary key,
      lane smallint not null,
      source text not null,
      service text not null,
      environment text not null,
      endpoint text not null,
      method text not null,
      instrument text not null,
      kind text not null,
      quantile float8 not null,
      scale float8 not null,
      unit text not null
    )`.execute(db)
  await sql`create index gauge_by_lane on gauge (lane, id)`.execute(db)
  await sql`
    create table series (
      id bigint primary key,
      lane smallint not null,
      owner_id bigint not null,
      service text not null,
      environment text not null,
      endpoint text not null,
      method text not null,
      instrument text not null,
      metric text not null,
      quantile text not null,
      unit text not null,
      kind text not null,
      windows int not null,
      first_at timestamptz not null,
      latest_at timestamptz not null,
      latest_value float8 not null,
      release text not null,
      pending bytea,
      pending_at timestamptz,
      episode_at timestamptz,
      episode_evidence float8 not null,
      episode_told float8 not null
    ) with (fillfactor = 70)`.execute(db)
  await sql`create index series_by_service on series (service, environment, id)`.execute(db)
  await sql`create index series_by_lane on series (lane, id)`.execute(db)
  await sql`
    create table edge (
      caller text not null,
      callee text not null,
      first_at timestamptz not null,
      last_at timestamptz not null,
      primary key (caller, callee)
    )`.execute(db)
  await sql`
    create table deployment (
      id text primary key,
      service text not null,
      environment text not null,
      release text not null,
      status text not null,
      at timestamptz not null,
      url text not null,
      commit text not null
    )`.execute(db)
  await sql`create index deployment_by_time on deployment (at)`.execute(db)
}

/** Windows by cell, or by gauge, at three resolutions; dropped by partition. */
async function createWindows(db: Kysely<unknown>): Promise<void> {
  for (const table of ['perf_window', 'perf_window_10m', 'perf_window_1h']) {
    await sql`
      create table ${sql.table(table)} (
        cell_id bigint not null,
        t timestamptz not null,
        requests float8 not null,
        rate float8 not null,
        sum float8 not null,
        min float8,
        max float8,
        histogram bytea,
        primary key (cell_id, t)
      ) partition by range (t)`.execute(db)
  }
  // Hours with windows that are not rolled up yet.
  await sql`create table rollup_due (t timestamptz primary key)`.execute(db)
}

async function createFindings(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table baseline (
      series_id bigint primary key references series,
      firmness text not null,
      from_at timestamptz not null,
      at timestamptz not null,
      release text not null,
      summary jsonb,
      histogram bytea,
      value float8 not null,
      accepted_share float8 not null
    ) with (fillfactor = 70)`.execute(db)
  await sql`
    create table regression_signal (
      id text primary key,
      episode_id text not null,
      lane smallint not null,
      series_id bigint not null references series,
      state text not null,
      direction text not null,
      detector text not null,
      e_value float8 not null,
      onset_at timestamptz not null,
      at timestamptz not null,
      before jsonb not null,
      after jsonb not null,
      before_histogram bytea,
      after_histogram bytea,
      before_value float8 not null,
      after_value float8 not null,
      auc float8,
      rate float8,
      release text not null,
      reason text not null,
      taken boolean not null default false
    )`.execute(db)
  await sql`create index regression_signal_waiting on regression_signal (at, id) where not taken`.execute(db)
  await sql`
    create table regression (
      id text primary key,
      episode_id text not null,
      series_id bigint not null references series,
      service text not null,
      environment text not null,
      endpoint text not null,
      method text not null,
      release text not null,
      metric text not null,
      unit text not null,
      state text not null,
      direction text not null,
      detector text not null,
      onset_at timestamptz not null,
      detected_at timestamptz not null,
      confirmed_at timestamptz,
      resolved_at timestamptz,
      before jsonb not null,
      after jsonb not null,
      before_histogram bytea,
      after_histogram bytea,
      before_value float8 not null,
      after_value float8 not null,
      auc float8,
      e_value float8 not null,
      cost float8,
      symptoms text[] not null,
      suspects text[] not null,
      reason text not null,
      accepted_by text,
      accepted_at timestamptz,
      accept_note text
    )`.execute(db)
  await sql`create index regression_by_onset on regression (onset_at, id)`.execute(db)
  await sql`create index regression_open on regression (state) where state in ('suspected', 'confirmed')`.execute(db)
  // Every episode belongs to one regression: as what it is about, or as a symptom.
  await sql`
    create table regression_episode (
      episode_id text primary key,
      regression_id text not null references regression,
      series_id bigint not null references series,
      service text not null,
      state text not null,
      e_value float8 not null,
      onset_at timestamptz not null
    )`.execute(db)
  await sql`create index regression_episode_by_regression on regression_episode (regression_id)`.execute(db)
  await sql`create index regression_episode_by_onset on regression_episode (onset_at)`.execute(db)
  await sql`
    create table lane_notice (
      id bigint generated always as identity primary key,
      lane smallint not null,
      kind text not null,
      series_id bigint references series,
      service text not null,
      environment text not null,
      release text not null,
      at timestamptz not null
    )`.execute(db)
  await sql`create index lane_notice_by_lane on lane_notice (lane)`.execute(db)
}

/** What a lane has to remember between two messages; opaque to SQL. Not worth compressing: it is rewritten all the time. */
async function createLaneState(db: Kysely<unknown>): Promise<void> {
  await createLanePages(db)
  await sql`
    create table detector (
      series_id bigint primary key references series,
      lane smallint not null,
      state bytea storage external not null
    ) with (fillfactor = 50)`.execute(db)
  await sql`create index detector_by_lane on detector (lane)`.execute(db)
  await sql`
    create table span_link (
      trace text not null,
      span text not null,
      parent text not null,
      service text not null,
      at timestamptz not null,
      kept_at timestamptz not null,
      primary key (trace, span)
    )`.execute(db)
}
