import type { EventType, EventValue } from './events.ts'
import { customerSuccessExamples } from './examples/customer-success.ts'
import { incidentExamples } from './examples/incident.ts'
import { performanceExamples } from './examples/performance.ts'
import { telemetryExamples } from './examples/telemetry.ts'
import { usageExamples } from './examples/usage.ts'

/** One value of each event, as the reference page shows and the tests send it. */
export const examples: { readonly [T in EventType]: EventValue<T> } = {
  ...telemetryExamples,
  ...incidentExamples,
  ...usageExamples,
  ...performanceExamples,
  ...customerSuccessExamples,
}
