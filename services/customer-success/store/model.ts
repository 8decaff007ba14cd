/** Learned models, what they look at, and what they say of accounts. */

import { bulkAppend } from '@plimsoll/kit/db/bulk.ts'
import type { ReaderDatabase, WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import { type Candidate, type History, inOrder, type KeptDay } from '../domain/learn/candidate.ts'
import { FEATURE_NAMES } from '../domain/learn/features.ts'
import { type ChurnModel, type Score, score } from '../domain/learn/model.ts'
import { daysOfLeaving } from './health-fates.ts'
import type { HealthTables } from './health-tables.ts'
import type { ChurnModelTable, ModelTables } from './model-tables.ts'
import { tables } from './tables.ts'

export type ModelReader = ReaderDatabase<ModelTables & HealthTables>
export type ActiveModel = { readonly version: number; readonly model: ChurnModel }

/** Features are kept of every day that is a multiple: an account's days should not all be the same one told again. */
const KEPT_EVERY_DAYS = 7
/** What made accounts leave longer ago was another product. */
const KEPT_DAYS = 730
/** More rows do not make a better model, and only take longer: then a share of them, drawn by their names, is enough. */
const MOST_ROWS = 40_000

/** The last day that was closed. */
export async function lastChurnDay(tx: WorkerTransaction): Promise<number | undefined> {
  const row = await tables(tx)
    .selectFrom('churn_day')
    .select((eb) => eb.fn.max<number | null>('day').as('day'))
    .executeTakeFirst()
  return row?.day ?? undefined
}

/** The model in use is the one promoted last. */
export async function activeVersion(reader: ModelReader): Promise<number | undefined> {
  const newest = await reader
    .selectFrom('churn_model')
    .select((eb) => eb.fn.max<number | null>('version').as('version'))
    .where('promoted', '=', true)
    .executeTakeFirst()
  return newest?.version ?? undefined
}

/** @param known what the caller has already, so that it is read once */
export async function activeModel(reader: ModelReader, known?: ActiveModel): Promise<ActiveModel | undefined> {
  const version = await activeVersion(reader)
  if (version === undefined || version === known?.version) return known
  return { version, model: await modelOf(reader, version) }
}

async function modelOf(reader: ModelReader, version: number): Promise<ChurnModel> {
  const { model } = await reader
    .selectFrom('churn_model')
    .select('model')
    .where('version', '=', version)
    .where('model', 'is not', null)
    .$narrowType<{ model: ChurnModel }>()
    .executeTakeFirstOrThrow()
  return model
}

/** An account's features on a day, in the order of `FEATURE_NAMES`, and what a model makes of them. */
export type Scored = {
  readonly accountId: string
  readonly features: Float64Array
  readonly probability: number | undefined
}

/** Closes a day: keeps what was looked at, and gives the day's scores their probability. */
export async function saveChurnDay(
  tx: WorkerTransaction,
  day: number,
  version: number | undefined,
  scored: readonly Scored[],
): Promise<void> {
  const db = tables(tx)
  await db
    .insertInto('churn_day')
    .values({ day, names: [...FEATURE_NAMES], version: version ?? null })
    .execute()
  await bulkAppend(tx, 'churn_features', [
    { name: 'day', type: 'int4', values: scored.map(() => day) },
    { name: 'account_id', type: 'text', values: scored.map(({ accountId }) => accountId) },
    { name: 'features', type: 'bytea', values: scored.map(({ features }) => new Uint8Array(features.buffer)) },
  ])
  const certain = scored.filter(({ probability }) => probability !== undefined)
  await sql`
    update health_score set churn_probability = told.probability
    from unnest(
      ${certain.map(({ accountId }) => accountId)}::text[], ${certain.map(({ probability }) => probability)}::float8[]
    ) as told (account_id, probability)
    where health_score.account_id = told.account_id and day = ${day}`.execute(tx)
  await db
    .deleteFrom('churn_features')
    .where('day', '<', day)
    .where(sql<boolean>`day % ${KEPT_EVERY_DAYS} <> 0 or day < ${day - KEPT_DAYS}`)
    .execute()
}

/** The newest kept day of which is known by `today` who left within `days` of it. */
export async function newestKnownDay(tx: WorkerTransaction, today: number, days: number): Promise<number | undefined> {
  const row = await tables(tx)
    .selectFrom('churn_day')
    .select((eb) => eb.fn.max<number | null>('day').as('day'))
    .where('day', '<=', today - days)
    .where(sql<boolean>`day % ${KEPT_EVERY_DAYS} = 0`)
    .executeTakeFirst()
  return row?.day ?? undefined
}

/** The newest day a fit has learned from. */
export async function learnedUpTo(tx: WorkerTransaction): Promise<number | undefined> {
  const row = await tables(tx)
    .selectFrom('churn_model')
    .select((eb) => eb.fn.max<number | null>('learned_up_to').as('day'))
    .executeTakeFirst()
  return row?.day ?? undefined
}

/** What was kept of accounts up to a day, and who has left. */
export async function historyUpTo(tx: WorkerTransaction, upToDay: number): Promise<History> {
  const db = tables(tx)
  const kept = sql<boolean>`day <= ${upToDay} and day % ${KEPT_EVERY_DAYS} = 0`
  const { all } = await db
    .selectFrom('churn_features')
    .select((eb) => eb.fn.countAll<number>().as('all'))
    .where(kept)
    .executeTakeFirstOrThrow()
  const days: KeptDay[] = []
  // A day at a time: between two of them other work of the process gets its turn.
  const closed = await db.selectFrom('churn_day').select(['day', 'names']).where(kept).orderBy('day').execute()
  for (const { day, names } of closed) {
    const rows = await db
      .selectFrom('churn_features')
      .select(['account_id', 'features'])
      .where('day', '=', day)
      .where(sql<boolean>`abs(hashtext(account_id || day)::bigint) % greatest(${all}, 1) < ${MOST_ROWS}`)
      .orderBy('account_id')
      .execute()
    const values = new Float64Array(rows.length * names.length)
    rows.forEach(({ features }, i) => {
      values.set(valuesOf(features), i * names.length)
    })
    days.push({ day, names, accountIds: rows.map(({ account_id }) => account_id), values })
  }
  return { days, cancelledOn: await daysOfLeaving(db) }
}

export function valuesOf(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float64Array.from({ length: bytes.byteLength / 8 }, (_, j) => view.getFloat64(8 * j, true))
}

export async function saveModel(
  tx: WorkerTransaction,
  { isPromoted, reasons, model, backtest }: Candidate,
  by: { readonly learnedUpTo: number; readonly comparedWith: number | undefined; readonly atMs: number },
): Promise<void> {
  await tables(tx)
    .insertInto('churn_model')
    .values((eb) => ({
      version: sql<number>`(${eb.selectFrom('churn_model').select(sql<number>`coalesce(max(version), 0) + 1`.as('next'))})`,
      created_at: new Date(by.atMs),
      learned_up_to: by.learnedUpTo,
      promoted: isPromoted,
      reasons: JSON.stringify(reasons),
      trained_on: model === undefined ? null : JSON.stringify(model.trainedOn),
      backtest: backtest === undefined ? null : JSON.stringify(backtest),
      compared_with: by.comparedWith ?? null,
      model: isPromoted ? JSON.stringify(model) : null,
    }))
    .execute()
}

export type ModelRow = Omit<Selectable<ChurnModelTable>, 'model'>

/** Newest first, below `before`. */
export async function listModels(reader: ModelReader, before: number | undefined, limit: number): Promise<ModelRow[]> {
  let query = reader
    .selectFrom('churn_model')
    .select([
      'version',
      'created_at',
      'learned_up_to',
      'promoted',
      'reasons',
      'trained_on',
      'backtest',
      'compared_with',
    ])
    .orderBy('version', 'desc')
    .limit(limit)
  if (before !== undefined) query = query.where('version', '<', before)
  return await query.execute()
}

export type Learned = Score & { readonly version: number; readonly day: number }

/** What the model that scored the newest closed day says of accounts, and why: by account. */
export async function learnedOf(reader: ModelReader, accountIds: readonly string[]): Promise<Map<string, Learned>> {
  const found = new Map<string, Learned>()
  const newest = await reader.selectFrom('churn_day').selectAll().orderBy('day', 'desc').limit(1).executeTakeFirst()
  if (newest === undefined || newest.version === null || accountIds.length === 0) return found
  const { day, names, version } = newest
  const model = await keptModel(reader, version)
  const rows = await reader
    .selectFrom('churn_features')
    .select(['account_id', 'features'])
    .where('day', '=', day)
    .where('account_id', 'in', accountIds)
    .execute()
  for (const { account_id, features } of rows)
    found.set(account_id, { ...score(model, inOrder(valuesOf(features), names, model.names)), version, day })
  return found
}

/** A model is some hundred kilobytes of JSON, which requests need not parse each. */
const kept = new WeakMap<ModelReader, ActiveModel>()

async function keptModel(reader: ModelReader, version: number): Promise<ChurnModel> {
  const known = kept.get(reader)
  if (known?.version === version) return known.model
  const model = await modelOf(reader, version)
  kept.set(reader, { version, model })
  return model
}

/** What is known of an account by the newest closed day, in the order of the names wanted; undefined when nothing is. */
export async function newestFeatures(
  reader: ModelReader,
  accountId: string,
  wanted: readonly string[],
): Promise<Float64Array | undefined> {
  const row = await reader
    .selectFrom('churn_features')
    .innerJoin('churn_day', 'churn_day.day', 'churn_features.day')
    .select(['names', 'features'])
    .where('churn_day.day', '=', (eb) => eb.selectFrom('churn_day').select((day) => day.fn.max('day').as('day')))
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  return row && inOrder(valuesOf(row.features), row.names, wanted)
}
