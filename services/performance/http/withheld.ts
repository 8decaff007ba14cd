import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { time } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import type { SignalWithSeries } from '../store/regressions.ts'
import type { Tables } from '../store/tables.ts'
import { listWithheld } from '../store/withheld.ts'
import { changeFields, iso, placeQuery } from './shapes.ts'

const querystring = Type.Object({ ...placeQuery, ...pageQuery })
const cursor = Type.Object({ at: Type.String(), id: Type.String() })

const item = Type.Object({
  ...changeFields,
  at: time('End of the window that raised the alarm.'),
  beforeValue: Type.Number({ description: 'p95 in ms, p50 where requests are too few for it.' }),
  afterValue: Type.Number(),
  withheldAt: time('End of the last window for which that was so.'),
  reason: Type.String({ description: 'How much of it the mix explains, and what requests of the same kind did.' }),
})

export const withheldRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/performance/withheld',
  permission: 'performance:read',
  schema: {
    summary: 'Alarms of latency that only a changed mix of requests explains, newest first',
    querystring,
    response: { 200: pageOf(item) },
  },
  async handler(request) {
    const { limit, cursor: at, ...filter } = request.query as Static<typeof querystring>
    const position = decodeCursor(at, cursor)
    const rows = await listWithheld(
      reader,
      { ...filter, ...(position && { after: { at: new Date(position.at), id: position.id } }) },
      limit + 1,
    )
    return page(rows.map(bodyOf), limit, ({ at: raisedAt, id }) => ({ at: raisedAt, id }))
  },
})

function bodyOf(row: SignalWithSeries): Static<typeof item> {
  const { id, service, environment, endpoint, method, release, before, after, auc } = row
  return {
    ...{ id, service, environment, endpoint, method, release, before, after, auc },
    seriesId: String(row.series_id),
    onsetAt: iso(row.onset_at),
    at: iso(row.at),
    withheldAt: iso(row.withheld_at ?? row.at),
    reason: row.withheld_reason,
    beforeValue: row.before_value,
    afterValue: row.after_value,
  }
}
