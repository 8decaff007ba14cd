import { type Kysely, sql } from 'kysely'

/**
 * What Grafana reads of accounts: a contract apart from the tables, which may change. A column may be added to a view;
 * another meaning needs another view. deploy/postgres/board-reader.sql grants them, and nothing else, to a role.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create view board_account as
    select account_id, band, score, confidence, provisional, trend7, trend28, churn_probability,
      raised_at as risk_raised_at, trigger as risk_trigger, mrr_minor as mrr_at_risk_minor, currency, risk_reason,
      jsonb_array_length(missing) as missing_features,
      (select count(*) from account_action
        where account_action.account_id = account_health.account_id and outcome_at is null and arm = 'treated'
      ) as open_actions
    from account_health`.execute(db)
  await sql`
    create view board_action as
    select action_id, account_id, playbook, mode, arm, triggered_at, outcome_at, metric, before, after, reached
    from account_action`.execute(db)
  await sql`
    create view board_event as
    select account_id, at, kind, text from account_event`.execute(db)
}
