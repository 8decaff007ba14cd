import type { EventType, EventValue } from '@plimsoll/contracts/events.ts'

/** The facts this service projects. */
export const projectedTypes = [
  'plimsoll.performance.v1.BaselineEstablished',
  'plimsoll.performance.v1.RegressionDetected',
  'plimsoll.performance.v1.RegressionResolved',
] as const satisfies readonly EventType[]

export type ProjectedType = (typeof projectedTypes)[number]

/** One fact of the DERIVED stream. `time` is its event time, ms since the epoch. */
export type Fact = {
  readonly [T in ProjectedType]: {
    readonly id: string
    readonly time: number
    readonly type: T
    readonly value: EventValue<T>
  }
}[ProjectedType]

/** What the page is told at once; it reads the rest over HTTP. */
export type FeedBody = {
  readonly kind: 'baseline' | 'regression'
  readonly id: string
  readonly service: string
  readonly environment: string
  readonly endpoint: string
  readonly method: string
  readonly metric: string
  /** A baseline's firmness or a regression's state. */
  readonly state: string
  readonly reason: string
  /** Event time, ISO. */
  readonly time: string
}

export function feedBodyOf(fact: Fact): FeedBody {
  const { service, environment, endpoint, method, metric } = fact.value
  const common = { service, environment, endpoint, method, metric, time: new Date(fact.time).toISOString() }
  switch (fact.type) {
    case 'plimsoll.performance.v1.BaselineEstablished':
      return { kind: 'baseline', id: fact.value.baselineId, ...common, state: fact.value.firmness, reason: '' }
    case 'plimsoll.performance.v1.RegressionDetected':
      return {
        kind: 'regression',
        id: fact.value.regressionId,
        ...common,
        state: fact.value.state,
        reason: fact.value.reason,
      }
    case 'plimsoll.performance.v1.RegressionResolved':
      return {
        kind: 'regression',
        id: fact.value.regressionId,
        ...common,
        state: 'resolved',
        reason: fact.value.reason,
      }
  }
}
