import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import type { ServiceBaseline, ServiceRegressions } from '../domain/overview.ts'
import type { ReportingTables } from './tables.ts'

type Reader = ReaderDatabase<ReportingTables>

/**
 * One row per service and environment. Percentiles are never averaged over endpoints: the p95 is that of one series,
 * which is named. Rates add up: over endpoints, or those of the whole service where it has a series of its own.
 */
export async function serviceBaselines(db: Reader): Promise<readonly ServiceBaseline[]> {
  const services = sql<ServiceBaseline>`(
    with flow as (
      select service, environment, endpoint, method, max(throughput) as throughput, max(error_rate) as error_rate,
        endpoint = '*' as whole
      from baseline
      group by service, environment, endpoint, method
    ), rates as (
      select service, environment,
        coalesce(sum(throughput) filter (where whole), sum(throughput)) as throughput,
        coalesce(
          max(error_rate) filter (where whole),
          sum(error_rate * throughput) / nullif(sum(throughput) filter (where error_rate is not null), 0),
          max(error_rate)
        ) as error_rate
      from flow
      group by service, environment
    ), busiest as (
      select distinct on (service, environment) service, environment, endpoint, method, p95
      from baseline
      where metric = 'latency' and p95 is not null
      order by service, environment, (endpoint = '*') desc, n desc nulls last, endpoint, method
    ), counts as (
      select service, environment, count(*)::int as series, (count(*) filter (where firmness = 'firm'))::int as firm
      from baseline
      group by service, environment
    )
    select service, environment, series, firm, throughput, error_rate as "errorRate", endpoint, method, p95
    from counts join rates using (service, environment) left join busiest using (service, environment)
  )`
  return await db.selectFrom(services.as('services')).selectAll().execute()
}

export async function serviceRegressions(db: Reader): Promise<readonly ServiceRegressions[]> {
  const services = sql<ServiceRegressions>`(
    with open as (select * from regression where state in ('suspected', 'confirmed')),
    worst as (
      select distinct on (service, environment)
        service, environment, endpoint, method, metric, unit, before_value as before, after_value as after
      from open
      order by service, environment, (metric = 'latency') desc, (state = 'confirmed') desc, coalesce(cost, 0) desc, onset_at desc
    ), counts as (
      select service, environment,
        (count(*) filter (where state = 'confirmed'))::int as confirmed,
        (count(*) filter (where state = 'suspected'))::int as suspected,
        coalesce(sum(cost), 0) as cost
      from open
      group by service, environment
    )
    select * from counts join worst using (service, environment)
  )`
  return await db.selectFrom(services.as('services')).selectAll().execute()
}

/** Episodes closed at or after `since`. */
export async function closedSince(db: Reader, since: Date): Promise<{ resolved: number; accepted: number }> {
  return await db
    .selectFrom('regression')
    .select(({ fn }) => [
      fn.countAll<number>().filterWhere('state', '=', 'resolved').as('resolved'),
      fn.countAll<number>().filterWhere('state', '=', 'accepted').as('accepted'),
    ])
    .where('state', 'in', ['resolved', 'accepted'])
    .where('changed_at', '>=', since)
    .executeTakeFirstOrThrow()
}
