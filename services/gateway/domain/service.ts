import type { Label } from './series.ts'

/** Labels that name the service, the most deliberate first. `job` is what every Prometheus target has. */
const serviceLabels = ['service.name', 'service_name', 'service', 'job'] as const

export const unknownService = 'unknown'

/**
 * The service a series belongs to. It is half of METRIC's lane key (contracts/lane.ts), so all series of one service and source (the
 * buckets of one histogram above all) keep their order in one lane.
 * @example serviceOf([['job', 'api'], ['instance', 'a:80']]) // 'api'
 */
export function serviceOf(labels: readonly Label[]): string {
  for (const wanted of serviceLabels) {
    for (const [name, value] of labels) if (name === wanted && value !== '') return value
  }
  return unknownService
}
