import { sql } from 'kysely'
import type { Baseline } from '../domain/baseline.ts'
import type { ReportingTransaction } from './tables.ts'

/** By id; locked, so that two lanes cannot both fold from the same row. */
export async function loadBaselines(tx: ReportingTransaction, ids: readonly string[]): Promise<Map<string, Baseline>> {
  if (ids.length === 0) return new Map()
  const rows = await tx
    .selectFrom('baseline')
    .selectAll()
    .where('baseline_id', '=', sql<string>`any(${ids}::text[])`)
    .orderBy('baseline_id')
    .forUpdate()
    .execute()
  return new Map(
    rows.map((row) => {
      const { baseline_id: baselineId, established_at, error_rate: errorRate, ...rest } = row
      return [baselineId, { ...rest, baselineId, errorRate, establishedAt: established_at.getTime() }]
    }),
  )
}

export async function saveBaselines(tx: ReportingTransaction, baselines: Iterable<Baseline>): Promise<void> {
  const rows = [...baselines].map((baseline) => {
    const { baselineId, establishedAt, errorRate, ...rest } = baseline
    return { ...rest, baseline_id: baselineId, error_rate: errorRate, established_at: new Date(establishedAt) }
  })
  if (rows.length === 0) return
  await tx
    .insertInto('baseline')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('baseline_id').doUpdateSet((row) => ({
        service: row.ref('excluded.service'),
        environment: row.ref('excluded.environment'),
        endpoint: row.ref('excluded.endpoint'),
        method: row.ref('excluded.method'),
        release: row.ref('excluded.release'),
        metric: row.ref('excluded.metric'),
        unit: row.ref('excluded.unit'),
        firmness: row.ref('excluded.firmness'),
        established_at: row.ref('excluded.established_at'),
        n: row.ref('excluded.n'),
        p50: row.ref('excluded.p50'),
        p95: row.ref('excluded.p95'),
        p99: row.ref('excluded.p99'),
        throughput: row.ref('excluded.throughput'),
        error_rate: row.ref('excluded.error_rate'),
      })),
    )
    .execute()
}
