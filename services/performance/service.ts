/** The manifest of the service `performance`. */

import { processor, ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { Service } from '@plimsoll/kit/service.ts'
import { performanceConfig } from './config.ts'
import { baselineTicker } from './events/baseline.ts'
import { causeTicker, withheldCounter } from './events/cause.ts'
import { deploymentProcessor } from './events/deployment.ts'
import { driftTicker } from './events/drift.ts'
import { foldMetrics } from './events/fold-metrics.ts'
import { regressionProcessor } from './events/regression.ts'
import { rollupTicker } from './events/rollup.ts'
import { acceptRoute } from './http/accept.ts'
import { baselinesRoute } from './http/baselines.ts'
import { endpointsRoute } from './http/endpoints.ts'
import { historyRoute } from './http/history.ts'
import { regressionRoute } from './http/regression.ts'
import { regressionsRoute } from './http/regressions.ts'
import { seriesListRoute } from './http/series.ts'
import { servicesRoute } from './http/services.ts'
import { withheldRoute } from './http/withheld.ts'
import type { Tables } from './store/tables.ts'

export const performance: Service<typeof performanceConfig, Tables> = {
  name: 'performance',
  config: performanceConfig,
  permissions: {
    'performance:read': 'Read services, endpoints, baselines, series and regressions.',
    'performance:accept': 'Accept a regression as the new normal.',
  },
  migrations: new URL('store/migrations/', import.meta.url),
  processors: ({ config, metrics }) => [
    processor(regressionProcessor(config, foldMetrics(metrics))),
    processor(deploymentProcessor),
  ],
  tickers: ({ config, metrics }) => [
    ticker(causeTicker(config, withheldCounter(metrics))),
    ticker(baselineTicker),
    ticker(driftTicker),
    ticker(rollupTicker(config)),
  ],
  routes: (context) => [
    servicesRoute(context),
    endpointsRoute(context),
    baselinesRoute(context),
    seriesListRoute(context),
    historyRoute(context),
    regressionsRoute(context),
    regressionRoute(context),
    withheldRoute(context),
    acceptRoute(context),
  ],
}
