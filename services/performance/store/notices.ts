/** Notices to lanes: what people decide and other streams tell reaches a lane's state with its next commit. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import { tables } from './lane.ts'

export type Notice =
  | { readonly kind: 'accepted'; readonly seriesId: number }
  | {
      readonly kind: 'released'
      readonly service: string
      readonly environment: string
      readonly release: string
      readonly atMs: number
    }

/** Takes a lane's notices, oldest first. */
export async function takeNotices(tx: WorkerTransaction, lane: number): Promise<Notice[]> {
  const rows = await tables(tx).deleteFrom('lane_notice').where('lane', '=', lane).returningAll().execute()
  return rows
    .sort((a, b) => a.id - b.id)
    .flatMap(({ kind, series_id, service, environment, release, at }): Notice[] => {
      if (kind === 'released') return [{ kind, service, environment, release, atMs: at.getTime() }]
      return series_id === null ? [] : [{ kind, seriesId: series_id }]
    })
}

/** Every open episode of a regression is accepted by its lane; drifts have none, see `acceptDrifts`. */
export async function noticeAccepted(tx: WorkerTransaction, regressionId: string, timeMs: number): Promise<void> {
  await sql`
    insert into lane_notice (lane, kind, series_id, service, environment, release, at)
    select series.lane, 'accepted', series.id, series.service, series.environment, '', ${new Date(timeMs)}
    from regression_episode episode join series on series.id = episode.series_id
    where episode.regression_id = ${regressionId} and episode.state in ('suspected', 'confirmed') and not exists (
      select from regression_signal signal where signal.episode_id = episode.episode_id and signal.detector = 'drift'
    )
  `.execute(tables(tx))
}

export type Released = {
  readonly service: string
  readonly environment: string
  readonly release: string
  readonly atMs: number
}

/** Every lane that watches the service learns of its release. A deployment that names no environment is one of all. */
export async function noticeReleased(
  tx: WorkerTransaction,
  { service, environment, release, atMs }: Released,
): Promise<void> {
  await sql`
    insert into lane_notice (lane, kind, service, environment, release, at)
    select distinct lane, 'released', service, environment, ${release}::text, ${new Date(atMs)}::timestamptz
    from series
    where service = ${service} and (${environment}::text = '' or environment = ${environment})
  `.execute(tables(tx))
}
