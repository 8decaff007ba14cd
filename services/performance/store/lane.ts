/** A lane's state out of and into the database. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import {
  createPageReader,
  createPageWriter,
  cutPages,
  type LanePage,
  loadPages,
  pageBytes,
  put,
  savePages,
  take,
} from '@plimsoll/kit/lanes/pages.ts'
import { sql, type Transaction } from 'kysely'
import { createCell, createEndpoint, type Endpoint } from '../domain/endpoint.ts'
import type { Fold, FoldLimits } from '../domain/fold.ts'
import { createGauge, type Gauge } from '../domain/gauge.ts'
import { decodeHistogram, encodeHistogram } from '../domain/histogramcodec.ts'
import { restoreEndpoint, restoreGauge } from '../domain/introduce.ts'
import type { StatusClass } from '../domain/labels.ts'
import { createLane, type Lane } from '../domain/lane.ts'
import type { GaugeKind, Place } from '../domain/meaning.ts'
import { addSeries, PAGE_BITS, ROLE } from '../domain/seriestable.ts'
import { restoreWatched, type Watched } from '../domain/watch.ts'
import { restoreResting } from '../domain/workbench.ts'
import {
  decodeSeriesPage,
  ENDPOINTS_PER_PAGE,
  encodeSeriesPage,
  GAUGES_PER_PAGE,
  PAGE_KIND,
  putEndpoint,
  putGauge,
  takeEndpoint,
  takeGauge,
} from './pages.ts'
import type { Tables } from './tables.ts'

/** The service's own tables within the worker's transaction. */
export const tables = (tx: WorkerTransaction): Transaction<Tables> => tx as Transaction<Tables>

/** Rebuilds exactly what was committed. */
export async function loadLane(tx: WorkerTransaction, number: number, limits: FoldLimits): Promise<Lane> {
  const db = tables(tx)
  const lane = createLane(number, limits)
  restorePages(lane, await loadPages(tx, number), await loadCatalogue(db, number))
  await loadWatched(db, lane)
  lane.savedNumber = lane.fold.nextNumber
  return lane
}

type Catalogue = { readonly endpoints: ReadonlyMap<number, Endpoint>; readonly gauges: ReadonlyMap<number, Gauge> }

/** Everything the lane ever had; the pages tell what it still has. */
async function loadCatalogue(db: Transaction<Tables>, lane: number): Promise<Catalogue> {
  const endpointRows = await db.selectFrom('endpoint').selectAll().where('lane', '=', lane).execute()
  const endpoints = new Map(
    endpointRows.map((row) => [row.id, createEndpoint(row.id, row.source, placeOf(row))] as const),
  )
  const cells = await db
    .selectFrom('cell')
    .innerJoin('endpoint', 'endpoint.id', 'cell.endpoint_id')
    .select(['cell.id', 'cell.endpoint_id', 'cell.status_class', 'cell.release', 'cell.request_class'])
    .where('endpoint.lane', '=', lane)
    .execute()
  for (const row of cells) {
    const { release, request_class: requestClass } = row
    const stratum = { statusClass: row.status_class as StatusClass, release, requestClass }
    endpoints.get(row.endpoint_id)?.cells.push(createCell(row.id, stratum))
  }
  const gaugeRows = await db.selectFrom('gauge').selectAll().where('lane', '=', lane).execute()
  const gauges = new Map(
    gaugeRows.map((row) => {
      const measure = { kind: row.kind as GaugeKind, quantile: row.quantile, scale: row.scale, unit: row.unit }
      return [row.id, createGauge(row.id, row.source, placeOf(row), measure)] as const
    }),
  )
  return { endpoints, gauges }
}

function placeOf(row: Place): Place {
  const { service, environment, endpoint, method, instrument } = row
  return { service, environment, endpoint, method, instrument }
}

async function loadWatched(db: Transaction<Tables>, { fold, watch }: Lane): Promise<void> {
  const rows = await db
    .selectFrom('series')
    .innerJoin('detector', 'detector.series_id', 'series.id')
    .selectAll('series')
    .select('detector.state')
    .where('series.lane', '=', fold.lane)
    .orderBy('series.id')
    .execute()
  for (const row of rows) {
    restoreWatched(watch, {
      id: row.id,
      ownerId: row.owner_id,
      place: placeOf(row),
      metric: row.metric,
      quantile: row.quantile,
      unit: row.unit,
      detector: restoreResting(row.state),
      windows: row.windows,
      firstMs: row.first_at.getTime(),
      latestMs: row.latest_at.getTime(),
      latestValue: row.latest_value,
      episodeMs: row.episode_at?.getTime() ?? 0,
      episodeEvidence: row.episode_evidence,
      episodeTold: row.episode_told,
      release: row.release,
      pending: row.pending === null ? undefined : decodeHistogram(row.pending),
      pendingMs: row.pending_at?.getTime() ?? 0,
    })
  }
}

/** Series come last: they name endpoints and gauges by their place. */
function restorePages({ fold }: Lane, pages: readonly LanePage[], catalogue: Catalogue): void {
  const isSeries = ({ kind }: LanePage): boolean => kind === PAGE_KIND.series
  for (const { kind, bytes } of [...pages.filter((page) => !isSeries(page)), ...pages.filter(isSeries)]) {
    if (kind === PAGE_KIND.series) {
      loadSeries(fold, bytes)
      continue
    }
    const page = createPageReader(bytes)
    if (kind === PAGE_KIND.lane) {
      fold.nextNumber = take(page)
      fold.latestMs = take(page)
      fold.receivedAtMs = take(page)
      continue
    }
    while (page.at < page.values.length) {
      if (kind === PAGE_KIND.endpoint)
        restoreEndpoint(
          fold,
          takeEndpoint(page, (id) => found(catalogue.endpoints, id)),
        )
      else
        restoreGauge(
          fold,
          takeGauge(page, (id) => found(catalogue.gauges, id)),
        )
    }
  }
  fold.table.dirty.fill(0)
}

function loadSeries(fold: Fold, bytes: Uint8Array): void {
  const { table } = fold
  for (const series of decodeSeriesPage(bytes)) {
    const slot = addSeries(table, series.low, series.high, series)
    table.lastTime[slot] = series.lastTime
    table.lastValue[slot] = series.lastValue
    const owner = series.role === ROLE.gauge ? fold.gauges[series.target] : fold.endpoints[series.target]
    owner?.slots.push(slot)
  }
}

function found<T>(catalogue: ReadonlyMap<number, T>, id: number): T {
  const value = catalogue.get(id)
  if (value === undefined) throw new RangeError(`lane state names ${id}, which the catalogue does not have`)
  return value
}

/** Writes what changed since the last save. `changed` are the series whose detectors took in something. */
export async function saveLane(tx: WorkerTransaction, lane: Lane, changed: ReadonlySet<Watched>): Promise<void> {
  await saveCatalogue(tx, lane)
  await saveWatched(tx, lane, [...changed])
  await savePages(tx, lane.fold.lane, dirtyPages(lane))
  await saveEdges(tx, lane)
  if (lane.compacted) await dropForgotten(tx, lane)
  lane.fold.dirtyEndpoints.clear()
  lane.fold.dirtyGauges.clear()
  lane.fold.edges.clear()
  lane.savedNumber = lane.fold.nextNumber
}

async function saveCatalogue(tx: WorkerTransaction, lane: Lane): Promise<void> {
  const { fold } = lane
  const firstNew = fold.lane * 2 ** 32 + lane.savedNumber
  const isNew = ({ id }: { readonly id: number }): boolean => id >= firstNew
  const endpoints = [...fold.dirtyEndpoints].filter(isNew)
  const place = (owners: readonly (Endpoint | Gauge)[]) =>
    (['service', 'environment', 'endpoint', 'method', 'instrument'] as const).map((name) => ({
      name,
      type: 'text' as const,
      values: owners.map((owner) => owner.place[name]),
    }))
  await bulkUpsert(tx, {
    table: 'endpoint',
    key: ['id'],
    onConflict: 'keep',
    columns: [
      { name: 'id', type: 'int8', values: endpoints.map(({ id }) => id) },
      { name: 'lane', type: 'int2', values: endpoints.map(() => fold.lane) },
      { name: 'source', type: 'text', values: endpoints.map(({ source }) => source) },
      ...place(endpoints),
    ],
  })
  const cells = [...fold.dirtyEndpoints].flatMap((endpoint) =>
    endpoint.cells.filter(isNew).map((cell) => ({ endpoint, cell })),
  )
  await bulkUpsert(tx, {
    table: 'cell',
    key: ['id'],
    onConflict: 'keep',
    columns: [
      { name: 'id', type: 'int8', values: cells.map(({ cell }) => cell.id) },
      { name: 'endpoint_id', type: 'int8', values: cells.map(({ endpoint }) => endpoint.id) },
      { name: 'status_class', type: 'int2', values: cells.map(({ cell }) => cell.statusClass) },
      { name: 'release', type: 'text', values: cells.map(({ cell }) => cell.release) },
      { name: 'request_class', type: 'text', values: cells.map(({ cell }) => cell.requestClass) },
    ],
  })
  const gauges = [...fold.dirtyGauges].filter(isNew)
  await bulkUpsert(tx, {
    table: 'gauge',
    key: ['id'],
    onConflict: 'keep',
    columns: [
      { name: 'id', type: 'int8', values: gauges.map(({ id }) => id) },
      { name: 'lane', type: 'int2', values: gauges.map(() => fold.lane) },
      { name: 'source', type: 'text', values: gauges.map(({ source }) => source) },
      ...place(gauges),
      { name: 'kind', type: 'text', values: gauges.map(({ kind }) => kind) },
      { name: 'quantile', type: 'float8', values: gauges.map(({ quantile }) => quantile) },
      { name: 'scale', type: 'float8', values: gauges.map(({ scale }) => scale) },
      { name: 'unit', type: 'text', values: gauges.map(({ unit }) => unit) },
    ],
  })
}

async function saveWatched(tx: WorkerTransaction, { fold }: Lane, watched: readonly Watched[]): Promise<void> {
  const text = (name: string, of: (series: Watched) => string) => ({
    name,
    type: 'text' as const,
    values: watched.map(of),
  })
  const time = (name: string, of: (series: Watched) => number | null) => ({
    name,
    type: 'timestamptz' as const,
    values: watched.map(of),
  })
  await bulkUpsert(tx, {
    table: 'series',
    key: ['id'],
    onConflict: {
      windows: 'excluded.windows',
      latest_at: 'excluded.latest_at',
      latest_value: 'excluded.latest_value',
      release: 'excluded.release',
      pending: 'excluded.pending',
      pending_at: 'excluded.pending_at',
      episode_at: 'excluded.episode_at',
      episode_evidence: 'excluded.episode_evidence',
      episode_told: 'excluded.episode_told',
      quantile: 'excluded.quantile',
    },
    columns: [
      { name: 'id', type: 'int8', values: watched.map(({ id }) => id) },
      { name: 'lane', type: 'int2', values: watched.map(() => fold.lane) },
      { name: 'owner_id', type: 'int8', values: watched.map(({ ownerId }) => ownerId) },
      text('service', ({ place }) => place.service),
      text('environment', ({ place }) => place.environment),
      text('endpoint', ({ place }) => place.endpoint),
      text('method', ({ place }) => place.method),
      text('instrument', ({ place }) => place.instrument),
      text('metric', ({ metric }) => metric),
      text('quantile', ({ quantile }) => quantile),
      text('unit', ({ unit }) => unit),
      text('kind', ({ detector }) => detector.kind),
      { name: 'windows', type: 'int4', values: watched.map(({ windows }) => windows) },
      time('first_at', ({ firstMs }) => firstMs),
      time('latest_at', ({ latestMs }) => latestMs),
      { name: 'latest_value', type: 'float8', values: watched.map(({ latestValue }) => latestValue) },
      text('release', ({ release }) => release),
      {
        name: 'pending',
        type: 'bytea',
        values: watched.map(({ pending }) => (pending === undefined ? null : encodeHistogram(pending))),
      },
      time('pending_at', ({ pending, pendingMs }) => (pending === undefined ? null : pendingMs)),
      time('episode_at', ({ episodeMs }) => (episodeMs === 0 ? null : episodeMs)),
      { name: 'episode_evidence', type: 'float8', values: watched.map(({ episodeEvidence }) => episodeEvidence) },
      { name: 'episode_told', type: 'float8', values: watched.map(({ episodeTold }) => episodeTold) },
    ],
  })
  await bulkUpsert(tx, {
    table: 'detector',
    key: ['series_id'],
    onConflict: { state: 'excluded.state' },
    columns: [
      { name: 'series_id', type: 'int8', values: watched.map(({ id }) => id) },
      { name: 'lane', type: 'int2', values: watched.map(() => fold.lane) },
      { name: 'state', type: 'bytea', values: watched.map(({ detector }) => detector.state) },
    ],
  })
}

/** The pages that changed. */
function dirtyPages({ fold }: Lane): LanePage[] {
  const pages: LanePage[] = []
  const writer = createPageWriter()
  for (const value of [fold.nextNumber, fold.latestMs, fold.receivedAtMs]) put(writer, value)
  pages.push({ kind: PAGE_KIND.lane, page: 0, bytes: pageBytes(writer) })
  const { table } = fold
  for (let page = 0; page << PAGE_BITS < table.count; page++) {
    if (table.dirty[page] === 1) pages.push({ kind: PAGE_KIND.series, page, bytes: encodeSeriesPage(table, page) })
  }
  table.dirty.fill(0)
  for (const page of pagesOf(fold.dirtyEndpoints, ENDPOINTS_PER_PAGE)) {
    const from = page * ENDPOINTS_PER_PAGE
    for (const endpoint of fold.endpoints.slice(from, from + ENDPOINTS_PER_PAGE)) putEndpoint(writer, endpoint)
    pages.push({ kind: PAGE_KIND.endpoint, page, bytes: pageBytes(writer) })
  }
  for (const page of pagesOf(fold.dirtyGauges, GAUGES_PER_PAGE)) {
    for (const gauge of fold.gauges.slice(page * GAUGES_PER_PAGE, (page + 1) * GAUGES_PER_PAGE)) putGauge(writer, gauge)
    pages.push({ kind: PAGE_KIND.gauge, page, bytes: pageBytes(writer) })
  }
  return pages
}

/** What compacting left over: pages behind the last one, and detectors of series that are gone. */
async function dropForgotten(tx: WorkerTransaction, lane: Lane): Promise<void> {
  const { fold } = lane
  const pages = [
    [PAGE_KIND.series, Math.ceil(fold.table.count / (1 << PAGE_BITS))],
    [PAGE_KIND.endpoint, Math.ceil(fold.endpoints.length / ENDPOINTS_PER_PAGE)],
    [PAGE_KIND.gauge, Math.ceil(fold.gauges.length / GAUGES_PER_PAGE)],
  ] as const
  for (const [kind, count] of pages) await cutPages(tx, fold.lane, kind, count)
  const ids = lane.forgotten.splice(0)
  await sql`delete from detector where series_id = any(${ids}::int8[])`.execute(tx)
  lane.compacted = false
}

function pagesOf(dirty: ReadonlySet<{ readonly index: number }>, perPage: number): Set<number> {
  const pages = new Set<number>()
  for (const { index } of dirty) pages.add(Math.floor(index / perPage))
  return pages
}

const HOUR_MS = 3_600_000

/** Edges are said again once an hour, so that those which are gone can be told by their age. */
async function saveEdges(tx: WorkerTransaction, { fold, savedEdges }: Lane): Promise<void> {
  const hour = Math.floor(fold.latestMs / HOUR_MS)
  const edges = [...fold.edges].filter(([key]) => savedEdges.get(key) !== hour)
  await bulkUpsert(tx, {
    table: 'edge',
    key: ['caller', 'callee'],
    onConflict: { last_at: 'greatest(edge.last_at, excluded.last_at)' },
    columns: [
      { name: 'caller', type: 'text', values: edges.map(([, { caller }]) => caller) },
      { name: 'callee', type: 'text', values: edges.map(([, { callee }]) => callee) },
      { name: 'first_at', type: 'timestamptz', values: edges.map(() => fold.latestMs) },
      { name: 'last_at', type: 'timestamptz', values: edges.map(() => fold.latestMs) },
    ],
  })
  for (const [key] of edges) savedEdges.set(key, hour)
}
