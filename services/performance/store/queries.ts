/** What the GET routes read. Pages are by key, so that a page costs the same wherever it is. */

import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { RegressionRow } from './regressions.ts'
import type {
  BaselineTable,
  CellTable,
  EndpointTable,
  SeriesTable,
  SignalState,
  Tables,
  WindowTable,
} from './tables.ts'

type Reader = ReaderDatabase<Tables>

export type PlaceFilter = { readonly service?: string; readonly environment?: string }

export type SeriesItem = Selectable<SeriesTable>
export type EndpointItem = Selectable<EndpointTable>

export type ServiceItem = {
  readonly service: string
  readonly environment: string
  readonly series: number
  readonly openRegressions: number
  readonly latestAt: Date
}

export async function listServices(
  db: Reader,
  filter: { readonly environment?: string; readonly after?: { service: string; environment: string } },
  limit: number,
): Promise<ServiceItem[]> {
  let query = db
    .selectFrom('series')
    .select(['service', 'environment'])
    .select((eb) => [
      eb.fn.countAll<string>().as('series'),
      eb.fn.max('latest_at').as('latest_at'),
      eb
        .selectFrom('regression')
        .select((inner) => inner.fn.countAll<string>().as('count'))
        .whereRef('regression.service', '=', 'series.service')
        .whereRef('regression.environment', '=', 'series.environment')
        .where('regression.state', 'in', ['suspected', 'confirmed'])
        .as('open'),
    ])
    .groupBy(['service', 'environment'])
    .orderBy('service')
    .orderBy('environment')
    .limit(limit)
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment)
  const { after } = filter
  if (after !== undefined) {
    query = query.where(sql<boolean>`(series.service, series.environment) > (${after.service}, ${after.environment})`)
  }
  const rows = await query.execute()
  return rows.map(({ service, environment, series, open, latest_at }) => ({
    service,
    environment,
    series: Number(series),
    openRegressions: Number(open),
    latestAt: latest_at,
  }))
}

export async function listSeries(
  db: Reader,
  filter: PlaceFilter & { readonly endpoint?: string; readonly metric?: string; readonly after?: number },
  limit: number,
): Promise<SeriesItem[]> {
  let query = db.selectFrom('series').selectAll().orderBy('id').limit(limit)
  if (filter.service !== undefined) query = query.where('service', '=', filter.service)
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment)
  if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint)
  if (filter.metric !== undefined) query = query.where('metric', '=', filter.metric as SeriesItem['metric'])
  if (filter.after !== undefined) query = query.where('id', '>', filter.after)
  return await query.execute()
}

export function seriesById(db: Reader, id: number): Promise<SeriesItem | undefined> {
  return db.selectFrom('series').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function ownerIsGauge(db: Reader, ownerId: number): Promise<boolean> {
  const gauge = await db.selectFrom('gauge').select('id').where('id', '=', ownerId).executeTakeFirst()
  return gauge !== undefined
}

export async function listEndpoints(
  db: Reader,
  filter: PlaceFilter & { readonly after?: number },
  limit: number,
): Promise<EndpointItem[]> {
  let query = db.selectFrom('endpoint').selectAll().orderBy('id').limit(limit)
  if (filter.service !== undefined) query = query.where('service', '=', filter.service)
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment)
  if (filter.after !== undefined) query = query.where('id', '>', filter.after)
  return await query.execute()
}

export type StoredWindow = Selectable<WindowTable> &
  Pick<Selectable<CellTable>, 'status_class' | 'request_class'> & { readonly owner_id: number }

export type Resolution = '1m' | '10m' | '1h'

const windowTables = { '1m': 'perf_window', '10m': 'perf_window_10m', '1h': 'perf_window_1h' } as const

/** Windows of endpoints (all their cells) that start in [from, to], by time. */
export async function endpointWindows(
  db: Reader,
  endpointIds: readonly number[],
  range: { readonly from: Date; readonly to: Date; readonly resolution: Resolution },
): Promise<StoredWindow[]> {
  if (endpointIds.length === 0) return []
  return await db
    .selectFrom(`${windowTables[range.resolution]} as w`)
    .innerJoin('cell', 'cell.id', 'w.cell_id')
    .selectAll('w')
    .select(['cell.endpoint_id as owner_id', 'cell.status_class', 'cell.request_class'])
    .where('cell.endpoint_id', 'in', [...endpointIds])
    .where('w.t', '>=', range.from)
    .where('w.t', '<=', range.to)
    .orderBy('w.t')
    .execute()
}

/** Windows of one gauge. */
export async function gaugeWindows(
  db: Reader,
  gaugeId: number,
  range: { readonly from: Date; readonly to: Date; readonly resolution: Resolution },
): Promise<StoredWindow[]> {
  const rows = await db
    .selectFrom(`${windowTables[range.resolution]} as w`)
    .selectAll('w')
    .where('w.cell_id', '=', gaugeId)
    .where('w.t', '>=', range.from)
    .where('w.t', '<=', range.to)
    .orderBy('w.t')
    .execute()
  return rows.map((row) => ({ ...row, owner_id: gaugeId, status_class: 0, request_class: '' }))
}

export type BaselineItem = Selectable<BaselineTable> &
  Pick<SeriesItem, 'service' | 'environment' | 'endpoint' | 'method' | 'metric' | 'unit' | 'quantile'>

export async function listBaselines(
  db: Reader,
  filter: PlaceFilter & {
    readonly endpoint?: string
    readonly metric?: string
    readonly firmness?: 'provisional' | 'firm'
    readonly after?: number
  },
  limit: number,
): Promise<BaselineItem[]> {
  let query = db
    .selectFrom('baseline')
    .innerJoin('series', 'series.id', 'baseline.series_id')
    .selectAll('baseline')
    .select(['series.service', 'series.environment', 'series.endpoint', 'series.method'])
    .select(['series.metric', 'series.unit', 'series.quantile'])
    .orderBy('baseline.series_id')
    .limit(limit)
  if (filter.service !== undefined) query = query.where('series.service', '=', filter.service)
  if (filter.environment !== undefined) query = query.where('series.environment', '=', filter.environment)
  if (filter.endpoint !== undefined) query = query.where('series.endpoint', '=', filter.endpoint)
  if (filter.metric !== undefined) query = query.where('series.metric', '=', filter.metric as SeriesItem['metric'])
  if (filter.firmness !== undefined) query = query.where('baseline.firmness', '=', filter.firmness)
  if (filter.after !== undefined) query = query.where('baseline.series_id', '>', filter.after)
  return await query.execute()
}

export async function listRegressions(
  db: Reader,
  filter: PlaceFilter & {
    readonly state?: SignalState
    readonly metric?: string
    readonly from?: Date
    readonly to?: Date
    readonly after?: { readonly onsetAt: Date; readonly id: string }
  },
  limit: number,
): Promise<RegressionRow[]> {
  let query = db.selectFrom('regression').selectAll().orderBy('onset_at', 'desc').orderBy('id', 'desc').limit(limit)
  if (filter.service !== undefined) query = query.where('service', '=', filter.service)
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment)
  if (filter.state !== undefined) query = query.where('state', '=', filter.state)
  if (filter.metric !== undefined) query = query.where('metric', '=', filter.metric as RegressionRow['metric'])
  if (filter.from !== undefined) query = query.where('onset_at', '>=', filter.from)
  if (filter.to !== undefined) query = query.where('onset_at', '<', filter.to)
  const { after } = filter
  if (after !== undefined) {
    query = query.where(sql<boolean>`(onset_at, id) < (${after.onsetAt}::timestamptz, ${after.id})`)
  }
  return await query.execute()
}

export function findRegression(db: Reader, id: string): Promise<RegressionRow | undefined> {
  return db.selectFrom('regression').selectAll().where('id', '=', id).executeTakeFirst()
}
