import type { EventValue } from '@plimsoll/contracts/events.ts'
import { examples } from '@plimsoll/contracts/examples.ts'

/** Facts as customer-success publishes them: the contract's examples with a test's own values. */
const like =
  <T extends keyof typeof examples>(type: T) =>
  (given: Partial<EventValue<T>>): EventValue<T> => ({ ...examples[type], ...given })

export const healthChanged = like('plimsoll.customer_success.v1.HealthScoreChanged')
export const riskRaised = like('plimsoll.customer_success.v1.ChurnRiskRaised')
export const riskCleared = like('plimsoll.customer_success.v1.ChurnRiskCleared')
export const featureAdopted = like('plimsoll.customer_success.v1.FeatureAdopted')
export const lagDetected = like('plimsoll.customer_success.v1.AdoptionLagDetected')
export const actionTriggered = like('plimsoll.customer_success.v1.ActionTriggered')
export const outcomeRecorded = like('plimsoll.customer_success.v1.ActionOutcomeRecorded')
