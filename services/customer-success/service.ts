/** The manifest of the service `customer-success`. */

import { processor, ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { Service } from '@plimsoll/kit/service.ts'
import { customerSuccessConfig } from './config.ts'
import { RISK_RULES } from './domain/risk.ts'
import { adoptionTicker } from './events/adoption.ts'
import { factsProcessor } from './events/facts.ts'
import { healthTicker } from './events/health.ts'
import { modelScoreTicker } from './events/model-score.ts'
import { modelTrainTicker } from './events/model-train.ts'
import { outcomeTicker } from './events/outcome.ts'
import { playbookTicker } from './events/playbook.ts'
import { startEffects } from './events/playbook-effects.ts'
import { criticalAlerts, derivedSignals, usageSignals } from './events/playbook-signal.ts'
import { riskTicker } from './events/risk.ts'
import { startProgress, stepCounter, usageCounter } from './events/success-metrics.ts'
import { tombstoneTicker } from './events/tombstone.ts'
import { upliftTicker } from './events/uplift.ts'
import { usageProcessor } from './events/usage.ts'
import { usageUpkeepTicker } from './events/usage-upkeep.ts'
import { accountsRoute } from './http/accounts.ts'
import { defineFeatureRoute, featuresRoute } from './http/accounts-features.ts'
import { timelineRoute } from './http/accounts-timeline.ts'
import { unlinkRoute } from './http/accounts-unlink.ts'
import { accountAdoptionRoute } from './http/adoption-account.ts'
import { adoptionDefinitionRoute } from './http/adoption-definition.ts'
import { activeRoute } from './http/analytics-active.ts'
import { adoptionRoute } from './http/analytics-adoption.ts'
import { kpisRoute } from './http/analytics-kpis.ts'
import { lifecycleRoute } from './http/analytics-lifecycle.ts'
import { retentionRoute } from './http/analytics-retention.ts'
import { stickinessRoute } from './http/analytics-stickiness.ts'
import { ttfvRoute } from './http/analytics-ttfv.ts'
import { churnRiskRoute } from './http/churn-risk.ts'
import { churnRiskAssessmentRoute } from './http/churn-risk-assessment.ts'
import { healthRoute } from './http/health.ts'
import { healthActivateRoute } from './http/health-activate.ts'
import { healthConfigurationsRoute, healthConfigureRoute } from './http/health-configurations.ts'
import { healthDistributionRoute } from './http/health-distribution.ts'
import { healthExplainRoute } from './http/health-explain.ts'
import { healthFitRoute } from './http/health-fit.ts'
import { healthHistoryRoute } from './http/health-history.ts'
import { modelsRoute } from './http/models.ts'
import { playbookRoutes } from './http/playbook-routes.ts'
import { eraseAccountRoute, eraseRoute } from './http/privacy.ts'
import { exportRoute } from './http/privacy-export.ts'
import { optInRoute, optOutRoute, optOutsRoute } from './http/privacy-opt-outs.ts'
import { quarantineRoute, replayRoute } from './http/privacy-quarantine.ts'
import { storedAccounts } from './store/account-states.ts'
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
  processors: ({ config, metrics }) => [
    processor(usageProcessor(config, usageCounter(metrics))),
    processor(factsProcessor),
    ...[derivedSignals, usageSignals, criticalAlerts].map(processor),
  ],
  tickers: ({ config, metrics }) => [
    ticker(usageUpkeepTicker(config)),
    ticker(healthTicker),
    ticker(adoptionTicker(config)),
    ticker(modelScoreTicker),
    ticker(modelTrainTicker),
    ticker(riskTicker(RISK_RULES)),
    ticker(playbookTicker(config, storedAccounts, stepCounter(metrics))),
    ticker(outcomeTicker(storedAccounts)),
    ticker(upliftTicker),
    ticker(tombstoneTicker),
  ],
  routes: (context) => [
    activeRoute(context),
    stickinessRoute(context),
    lifecycleRoute(context),
    retentionRoute(context),
    adoptionRoute(context),
    ttfvRoute(context),
    kpisRoute(context),
    accountsRoute(context),
    timelineRoute(context),
    featuresRoute(context),
    defineFeatureRoute(context),
    adoptionDefinitionRoute(context),
    accountAdoptionRoute(context),
    unlinkRoute(context),
    healthRoute(context),
    healthExplainRoute(context),
    healthHistoryRoute(context),
    healthDistributionRoute(context),
    churnRiskRoute(context),
    churnRiskAssessmentRoute(context),
    modelsRoute(context),
    healthConfigurationsRoute(context),
    healthConfigureRoute(context),
    healthFitRoute(context),
    healthActivateRoute(context),
    eraseRoute(context),
    eraseAccountRoute(context),
    exportRoute(context),
    optOutsRoute(context),
    optOutRoute(context),
    optInRoute(context),
    quarantineRoute(context),
    replayRoute(context),
    ...playbookRoutes(context),
  ],
  async start(context) {
    const stops = [await startEffects(context), await startProgress(context)]
    return async () => void (await Promise.all(stops.map((stop) => stop())))
  },
}
