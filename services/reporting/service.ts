import type { Service } from '@plimsoll/kit/service.ts'
import { config } from './config.ts'
import { overview } from './events/overview.ts'
import { accountRoute } from './http/account.ts'
import { accountsRoute } from './http/accounts.ts'
import { bookRoute } from './http/book.ts'
import { eventsRoute } from './http/events.ts'
import { createListeners } from './http/listeners.ts'
import { overviewRoute } from './http/overview.ts'
import { pageRoutes } from './http/page.ts'
import { regressionsRoute } from './http/regressions.ts'
import type { ReportingTables } from './store/tables.ts'

export const reporting: Service<typeof config, ReportingTables> = {
  name: 'reporting',
  config,
  permissions: { 'reporting:read': 'Read overviews, regressions, accounts and their live events.' },
  migrations: new URL('store/migrations/', import.meta.url),
  processors: ({ config }) => [overview(config.REPORTING_FEED_ROWS)],
  routes(context) {
    const { config, metrics } = context
    const dropped = metrics.counter(
      'plimsoll_reporting_listeners_dropped_total',
      'Event streams cut because the client did not read what it was sent.',
    )
    const listeners = createListeners(context, config.REPORTING_POLL_MS, () => dropped.inc())
    const open = metrics.gauge('plimsoll_reporting_listeners', 'Event streams open.')
    metrics.onCollect(() => open.set(listeners.count()))
    return [
      overviewRoute(context),
      regressionsRoute(context),
      bookRoute(context),
      accountsRoute(context),
      accountRoute(context),
      eventsRoute(listeners, config.REPORTING_CLIENT_BUFFER_BYTES),
      ...pageRoutes(new URL('page/', import.meta.url)),
    ]
  },
}
