import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { type Selectable, sql } from 'kysely'
import { openStates, type Regression } from '../domain/regression.ts'
import type { RegressionTable, ReportingTables, ReportingTransaction } from './tables.ts'

/** By id; locked, so that two lanes cannot both fold from the same row. */
export async function loadRegressions(
  tx: ReportingTransaction,
  ids: readonly string[],
): Promise<Map<string, Regression>> {
  if (ids.length === 0) return new Map()
  const rows = await tx
    .selectFrom('regression')
    .selectAll()
    .where('regression_id', '=', sql<string>`any(${ids}::text[])`)
    .orderBy('regression_id')
    .forUpdate()
    .execute()
  return new Map(rows.map((row) => [row.regression_id, regressionOf(row)]))
}

/** Replaces whole rows: an episode has at most a handful of events in its life. */
export async function saveRegressions(tx: ReportingTransaction, regressions: Iterable<Regression>): Promise<void> {
  const rows = [...regressions].map(rowOf)
  if (rows.length === 0) return
  const ids = rows.map((row) => row.regression_id)
  await tx.deleteFrom('regression').where('regression_id', 'in', ids).execute()
  await tx.insertInto('regression').values(rows).execute()
}

export type RegressionFilter = {
  readonly service?: string
  readonly limit: number
}

/** Confirmed before suspected, then what costs users most time, then the newest. */
export async function openRegressions(
  db: ReaderDatabase<ReportingTables>,
  { service, limit }: RegressionFilter,
): Promise<Regression[]> {
  let query = db.selectFrom('regression').selectAll().where('state', 'in', openStates)
  if (service !== undefined) query = query.where('service', '=', service)
  const rows = await query
    .orderBy(sql`state = 'confirmed'`, 'desc')
    .orderBy(sql`coalesce(cost, 0)`, 'desc')
    .orderBy('onset_at', 'desc')
    .orderBy('regression_id')
    .limit(limit)
    .execute()
  return rows.map(regressionOf)
}

/** Resolved and accepted, newest first. */
export async function closedRegressions(
  db: ReaderDatabase<ReportingTables>,
  { service, limit }: RegressionFilter,
): Promise<Regression[]> {
  let query = db.selectFrom('regression').selectAll().where('state', 'in', ['accepted', 'resolved'])
  if (service !== undefined) query = query.where('service', '=', service)
  const rows = await query.orderBy('changed_at', 'desc').orderBy('regression_id').limit(limit).execute()
  return rows.map(regressionOf)
}

function regressionOf(row: Selectable<RegressionTable>): Regression {
  return {
    regressionId: row.regression_id,
    service: row.service,
    environment: row.environment,
    endpoint: row.endpoint,
    method: row.method,
    release: row.release,
    metric: row.metric,
    unit: row.unit,
    state: row.state,
    direction: row.direction,
    detector: row.detector,
    onsetAt: row.onset_at.getTime(),
    detectedAt: row.detected_at?.getTime() ?? null,
    resolvedAt: row.resolved_at?.getTime() ?? null,
    changedAt: row.changed_at.getTime(),
    beforeValue: row.before_value,
    afterValue: row.after_value,
    before: row.before,
    after: row.after,
    beforeHistogram: row.before_histogram,
    afterHistogram: row.after_histogram,
    auc: row.auc,
    eValue: row.e_value,
    falseAlarmBudget: row.false_alarm_budget,
    cost: row.cost,
    symptoms: row.symptoms,
    suspects: row.suspects,
    reason: row.reason,
  }
}

function rowOf(regression: Regression) {
  return {
    regression_id: regression.regressionId,
    service: regression.service,
    environment: regression.environment,
    endpoint: regression.endpoint,
    method: regression.method,
    release: regression.release,
    metric: regression.metric,
    unit: regression.unit,
    state: regression.state,
    direction: regression.direction,
    detector: regression.detector,
    onset_at: new Date(regression.onsetAt),
    detected_at: dateOf(regression.detectedAt),
    resolved_at: dateOf(regression.resolvedAt),
    changed_at: new Date(regression.changedAt),
    before_value: regression.beforeValue,
    after_value: regression.afterValue,
    before: JSON.stringify(regression.before),
    after: JSON.stringify(regression.after),
    before_histogram: bytesOf(regression.beforeHistogram),
    after_histogram: bytesOf(regression.afterHistogram),
    auc: regression.auc,
    e_value: regression.eValue,
    false_alarm_budget: regression.falseAlarmBudget,
    cost: regression.cost,
    symptoms: JSON.stringify(regression.symptoms),
    suspects: JSON.stringify(regression.suspects),
    reason: regression.reason,
  }
}

const dateOf = (ms: number | null): Date | null => (ms === null ? null : new Date(ms))

const bytesOf = (bytes: Uint8Array | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes))
