import type { EventType, EventValue } from '@plimsoll/contracts/events.ts'

/** Facts about a series of a service. */
const seriesTypes = [
  'plimsoll.performance.v1.BaselineEstablished',
  'plimsoll.performance.v1.RegressionDetected',
  'plimsoll.performance.v1.RegressionResolved',
] as const satisfies readonly EventType[]

/** Facts about an account. */
const accountTypes = [
  'plimsoll.customer_success.v1.HealthScoreChanged',
  'plimsoll.customer_success.v1.ChurnRiskRaised',
  'plimsoll.customer_success.v1.ChurnRiskCleared',
  'plimsoll.customer_success.v1.FeatureAdopted',
  'plimsoll.customer_success.v1.AdoptionLagDetected',
  'plimsoll.customer_success.v1.ActionTriggered',
  'plimsoll.customer_success.v1.ActionOutcomeRecorded',
] as const satisfies readonly EventType[]

/** What is to be deleted here too. */
const erasureTypes = [
  'plimsoll.customer_success.v1.PersonErased',
  'plimsoll.customer_success.v1.AccountErased',
] as const satisfies readonly EventType[]

/** The facts this service projects. */
export const projectedTypes = [...seriesTypes, ...accountTypes, ...erasureTypes] as const

export type ProjectedType = (typeof projectedTypes)[number]

type FactOf<Type extends ProjectedType> = {
  readonly [T in Type]: {
    readonly id: string
    readonly time: number
    readonly type: T
    readonly value: EventValue<T>
  }
}[Type]

/** One fact of the DERIVED stream. `time` is its event time, ms since the epoch. */
export type Fact = FactOf<ProjectedType>
export type AccountFact = FactOf<(typeof accountTypes)[number]>

export const isAccountFact = (fact: Fact): fact is AccountFact =>
  (accountTypes as readonly EventType[]).includes(fact.type)

export type Erasure = FactOf<(typeof erasureTypes)[number]>

export const isErasure = (fact: Fact): fact is Erasure => (erasureTypes as readonly EventType[]).includes(fact.type)

/** Of the accounts, not of the services. */
export const isOfAccount = (fact: Fact): fact is AccountFact | Erasure => isAccountFact(fact) || isErasure(fact)

/** What the page is told at once; it reads the rest over HTTP. */
export type FeedBody = SeriesChange | AccountChange

type SeriesChange = {
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

type AccountChange = {
  readonly kind: 'account'
  /** The account; empty once it was erased. */
  readonly id: string
  /** Last part of the event's type: ChurnRiskRaised. */
  readonly state: string
  /** Why, where the event says so. */
  readonly reason: string
  /** Event time, ISO. */
  readonly time: string
}

export function feedBodyOf(fact: Fact): FeedBody {
  const time = new Date(fact.time).toISOString()
  if (isOfAccount(fact)) {
    const { type, value } = fact
    const state = type.slice(type.lastIndexOf('.') + 1)
    const id = 'accountId' in value ? value.accountId : ''
    return { kind: 'account', id, state, reason: 'reason' in value ? value.reason : '', time }
  }
  const { service, environment, endpoint, method, metric } = fact.value
  const common = { service, environment, endpoint, method, metric, time }
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
