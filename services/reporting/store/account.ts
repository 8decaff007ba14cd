import type { HealthBand } from '@plimsoll/contracts/generated/types.ts'
import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { type Insertable, type Selectable, sql } from 'kysely'
import { type Account, type Health, type Lag, type Risk, severityOf } from '../domain/account.ts'
import type { AccountHealthTable } from './account-tables.ts'
import type { ReportingTables, ReportingTransaction } from './tables.ts'

/** By id; locked, so that two lanes cannot both fold from the same row. */
export async function loadAccounts(tx: ReportingTransaction, ids: readonly string[]): Promise<Map<string, Account>> {
  const rows = await tx
    .selectFrom('account_health')
    .selectAll()
    .where('account_id', '=', sql<string>`any(${ids}::text[])`)
    .orderBy('account_id')
    .forUpdate()
    .execute()
  return new Map(rows.map((row) => [row.account_id, accountOf(row)]))
}

/** Replaces whole rows: an account is told of about once a day. */
export async function saveAccounts(tx: ReportingTransaction, accounts: Iterable<Account>): Promise<void> {
  const rows = [...accounts].map(rowOf)
  const ids = rows.map((row) => row.account_id)
  await tx.deleteFrom('account_health').where('account_id', '=', sql<string>`any(${ids}::text[])`).execute()
  await tx.insertInto('account_health').values(rows).execute()
}

export type BookFilter = {
  readonly band?: HealthBand
  /** Only those with an open risk episode. */
  readonly risk?: 'open'
  readonly segment?: string
  /** Part of the account's id or name, in any case. */
  readonly search?: string
  readonly after?: BookPosition
}

/** Where a line stands in the book, worst first: `store/migrations/0002_account.ts` has the index. */
export type BookPosition = {
  readonly severity: number
  readonly mrrMinor: number
  readonly score: number
  readonly accountId: string
}

const worstFirst = sql`(-severity), (-mrr_minor), coalesce(score, 100), account_id`

export type BookLine = Account & { readonly openActions: number; readonly position: BookPosition }

/** An open risk before none, then the worse band, then the revenue at risk, then the lower score. */
export async function accountBook(
  db: ReaderDatabase<ReportingTables>,
  { band, risk, segment, search, after }: BookFilter,
  limit: number,
): Promise<BookLine[]> {
  let query = db.selectFrom('account_health').selectAll()
  if (band !== undefined) query = query.where('band', '=', band)
  if (risk !== undefined) query = query.where('episode_id', 'is not', null)
  if (segment !== undefined) query = query.where('segment', '=', segment)
  if (search !== undefined) {
    query = query.where(sql<boolean>`strpos(lower(account_id || ' ' || name), lower(${search})) > 0`)
  }
  if (after !== undefined) {
    const { severity, mrrMinor, score, accountId } = after
    query = query.where(
      sql<boolean>`(${worstFirst}) > (${-severity}::int, ${-mrrMinor}::bigint, ${score}::float8, ${accountId})`,
    )
  }
  const rows = await query
    .select((row) =>
      row
        .selectFrom('account_action')
        .select(sql<number>`count(*)::int`.as('n'))
        .whereRef('account_action.account_id', '=', 'account_health.account_id')
        .where('outcome_at', 'is', null)
        // Those held out are never contacted: nothing is open with them.
        .where('arm', '=', 'treated')
        .as('open_actions'),
    )
    .orderBy(worstFirst)
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    ...accountOf(row),
    openActions: row.open_actions ?? 0,
    position: {
      severity: row.severity,
      mrrMinor: row.mrr_minor,
      score: row.score ?? 100,
      accountId: row.account_id,
    },
  }))
}

export async function accountById(db: ReaderDatabase<ReportingTables>, id: string): Promise<Account | undefined> {
  const row = await db.selectFrom('account_health').selectAll().where('account_id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : accountOf(row)
}

/** The book in figures: accounts by band and segment, open episodes, and what they put at risk by currency. */
export async function bookFigures(db: ReaderDatabase<ReportingTables>) {
  const [bands, segments, revenue] = await Promise.all([
    db
      .selectFrom('account_health')
      .select(['band', sql<number>`count(*)::int`.as('accounts'), sql<number>`count(episode_id)::int`.as('risks')])
      .groupBy('band')
      .execute(),
    db
      .selectFrom('account_health')
      .select(['segment', sql<number>`count(*)::int`.as('accounts')])
      .where('segment', '<>', '')
      .groupBy('segment')
      .orderBy('segment')
      .execute(),
    db
      .selectFrom('account_health')
      .select(['currency', sql<number>`sum(mrr_minor)::bigint`.as('minor')])
      .where('episode_id', 'is not', null)
      .where('mrr_minor', '>', 0)
      .groupBy('currency')
      .orderBy('minor', 'desc')
      .execute(),
  ])
  return { bands, segments, revenue }
}

function accountOf(row: Selectable<AccountHealthTable>): Account {
  return {
    accountId: row.account_id,
    ...{ name: row.name, plan: row.plan, segment: row.segment },
    health: healthOf(row),
    risk: riskOf(row),
    riskChangedAt: row.risk_changed_at?.getTime() ?? null,
    lag: lagOf(row),
  }
}

function healthOf(row: Selectable<AccountHealthTable>): Health | null {
  const { health_at, score, band, confidence, provisional, trend7, trend28, churn_probability, drivers } = row
  if (health_at === null || confidence === null) return null
  const churnProbability = churn_probability
  return { at: health_at.getTime(), score, band, confidence, provisional, trend7, trend28, churnProbability, drivers }
}

function riskOf(row: Selectable<AccountHealthTable>): Risk | null {
  const { episode_id: episodeId, raised_at, trigger, mrr_minor: mrrMinor, currency, risk_reason: reason } = row
  if (episodeId === null || raised_at === null || trigger === null) return null
  return { episodeId, raisedAt: raised_at.getTime(), trigger, mrrMinor, currency, reason }
}

function lagOf({ lag_at, breadth, expected, missing }: Selectable<AccountHealthTable>): Lag | null {
  if (lag_at === null || breadth === null || expected === null) return null
  return { at: lag_at.getTime(), breadth, expected, missing }
}

function rowOf(account: Account): Insertable<AccountHealthTable> {
  const { accountId, name, plan, segment, health, risk, riskChangedAt, lag } = account
  return {
    account_id: accountId,
    ...{ name, plan, segment },
    severity: severityOf(account),
    health_at: dateOf(health?.at),
    score: health?.score ?? null,
    band: health?.band ?? 'unknown',
    confidence: health?.confidence ?? null,
    provisional: health?.provisional ?? true,
    trend7: health?.trend7 ?? null,
    trend28: health?.trend28 ?? null,
    churn_probability: health?.churnProbability ?? null,
    drivers: JSON.stringify(health?.drivers ?? []),
    risk_changed_at: dateOf(riskChangedAt),
    episode_id: risk?.episodeId ?? null,
    raised_at: dateOf(risk?.raisedAt),
    trigger: risk?.trigger ?? null,
    mrr_minor: risk?.mrrMinor ?? 0,
    currency: risk?.currency ?? '',
    risk_reason: risk?.reason ?? '',
    lag_at: dateOf(lag?.at),
    breadth: lag?.breadth ?? null,
    expected: lag?.expected ?? null,
    missing: JSON.stringify(lag?.missing ?? []),
  }
}

const dateOf = (ms: number | null | undefined): Date | null => (typeof ms === 'number' ? new Date(ms) : null)
