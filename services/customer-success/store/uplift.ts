/** What uplift is learned from, what was learned, and what it says of an account. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import type { QiniCurve, UpliftData, UpliftModel } from '../domain/effect/uplift.ts'
import { inOrder } from '../domain/learn/candidate.ts'
import { FEATURE_NAMES } from '../domain/learn/features.ts'
import { SLEEPING_DOG } from '../domain/playbook/suppression.ts'
import { valuesOf } from './model.ts'
import type { PlaybookTables } from './playbook-tables.ts'
import type { PlaybookReader } from './playbooks.ts'
import { tables } from './tables.ts'

/** More accounts make a fit longer, not better. */
const MOST_ROWS = 20_000

/**
 * The first enrolment of each account whose outcome is known, with what was kept of the account before it; the newest ones.
 * Left out is whom an earlier model kept from being contacted: as treated, it would teach that contact does nothing.
 */
export async function upliftRows(tx: WorkerTransaction, playbookId: string): Promise<UpliftData> {
  const { rows } = await sql<{
    account_id: string
    is_treated: boolean
    reached: boolean
    names: string[]
    features: Uint8Array
  }>`
    with first as (
      select distinct on (account_id) id, account_id, arm, reached, triggered_at, outcome_at from action
      where playbook_id = ${playbookId} and mode = 'automatic' order by account_id, triggered_at
    )
    select account_id, arm = 'treated' as is_treated, reached, names, features from first
    cross join lateral (
      select names, features from churn_features join churn_day using (day)
      where churn_features.account_id = first.account_id and day < (triggered_at at time zone 'UTC')::date - date '1970-01-01'
      order by day desc limit 1
    ) as before
    where outcome_at is not null and arm <> 'control' and not exists (
      select from action_step where action_id = first.id and outcome = 'suppressed' and reason = ${SLEEPING_DOG}
    )
    order by triggered_at desc, account_id limit ${MOST_ROWS}`.execute(tx)
  const features = rows.map((row) => inOrder(valuesOf(row.features), row.names, FEATURE_NAMES))
  return {
    accountIds: rows.map(({ account_id }) => account_id),
    names: FEATURE_NAMES,
    columns: FEATURE_NAMES.map((_, j) => Float64Array.from(features, (own) => own[j] ?? Number.NaN)),
    treated: Uint8Array.from(rows, ({ is_treated }) => Number(is_treated)),
    reached: Uint8Array.from(rows, ({ reached }) => Number(reached)),
  }
}

export async function saveUplift(
  tx: WorkerTransaction,
  playbookId: string,
  fitted: { readonly model: UpliftModel; readonly curve: QiniCurve; readonly arms: Arms; readonly atMs: number },
): Promise<void> {
  const row = {
    ...{ fitted_at: new Date(fitted.atMs), treated: fitted.arms.treated, held_out: fitted.arms.heldOut },
    ...{ curve: JSON.stringify(fitted.curve), model: JSON.stringify(fitted.model) },
  }
  await tables(tx)
    .insertInto('uplift')
    .values({ playbook_id: playbookId, ...row })
    .onConflict((conflict) => conflict.column('playbook_id').doUpdateSet(row))
    .execute()
}

/** Accounts whose outcome was known when a model was fitted. */
export type Arms = { readonly treated: number; readonly heldOut: number }

export type UpliftRow = Omit<Selectable<PlaybookTables['uplift']>, 'model'>

/** Everything but the model, which is large. */
export function findUplift(reader: PlaybookReader, playbookId: string): Promise<UpliftRow | undefined> {
  return reader
    .selectFrom('uplift')
    .select(['playbook_id', 'fitted_at', 'treated', 'held_out', 'curve'])
    .where('playbook_id', '=', playbookId)
    .executeTakeFirst()
}

/** Models by playbook, so that each is read once. */
export type KnownUplifts = Map<string, { readonly fittedMs: number; readonly model: UpliftModel }>

export async function upliftModel(
  reader: PlaybookReader,
  { playbook_id, fitted_at }: UpliftRow,
  known: KnownUplifts,
): Promise<UpliftModel> {
  const kept = known.get(playbook_id)
  if (kept?.fittedMs === fitted_at.getTime()) return kept.model
  const { model } = await reader
    .selectFrom('uplift')
    .select('model')
    .where('playbook_id', '=', playbook_id)
    .executeTakeFirstOrThrow()
  known.set(playbook_id, { fittedMs: fitted_at.getTime(), model })
  return model
}
