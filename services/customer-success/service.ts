/** The manifest of the service `customer-success`. */

import { processor, ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { Service } from '@plimsoll/kit/service.ts'
import { customerSuccessConfig } from './config.ts'
import { RISK_RULES } from './domain/risk.ts'
import { factsProcessor } from './events/facts.ts'
import { healthTicker } from './events/health.ts'
import { riskTicker } from './events/risk.ts'
import { usageProcessor } from './events/usage.ts'
import { usageUpkeepTicker } from './events/usage-upkeep.ts'
import { activeRoute } from './http/analytics-active.ts'
import { churnRiskRoute } from './http/churn-risk.ts'
import { healthRoute } from './http/health.ts'
import { healthActivateRoute } from './http/health-activate.ts'
import { healthConfigurationsRoute } from './http/health-configurations.ts'
import { healthExplainRoute } from './http/health-explain.ts'
import { healthFitRoute } from './http/health-fit.ts'
import { healthHistoryRoute } from './http/health-history.ts'
import { eraseRoute } from './http/privacy.ts'
import type { Tables } from './store/tables.ts'

export const customerSuccess: Service<typeof customerSuccessConfig, Tables> = {
  name: 'customer-success',
  config: customerSuccessConfig,
  permissions: {
    'customer-success:read': 'Read accounts, usage analytics, health, risk and playbooks.',
    'customer-success:write': 'Change playbooks and definitions, start actions by hand.',
    'customer-success:privacy': 'Export and erase what is kept of a person or an account.',
  },
  migrations: new URL('store/migrations/', import.meta.url),
  processors: ({ config }) => [processor(usageProcessor(config)), processor(factsProcessor)],
  tickers: ({ config }) => [ticker(usageUpkeepTicker(config)), ticker(healthTicker), ticker(riskTicker(RISK_RULES))],
  routes: (context) => [
    activeRoute(context),
    healthRoute(context),
    healthExplainRoute(context),
    healthHistoryRoute(context),
    churnRiskRoute(context),
    healthConfigurationsRoute(context),
    healthFitRoute(context),
    healthActivateRoute(context),
    eraseRoute(context),
  ],
}
