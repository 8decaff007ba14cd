/** Conditions over an account, in three values: what is not known neither holds nor fails. */

import { type AccountState, ATTRIBUTES, type Attribute, type Metric, metricOf } from './account-state.ts'

export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly metric: Metric; readonly is: Comparison; readonly value: number }
  | { readonly attribute: Attribute; readonly in: readonly string[] }

export type Comparison = '<' | '<=' | '=' | '>=' | '>'

/** Whether it is known to hold: nothing is done on what is not known. */
export const holds = (condition: Condition, state: AccountState): boolean => truthOf(condition, state) === true

/**
 * Kleene's logic: `all` fails if any part fails, `any` holds if any part holds, `not` of the unknown is unknown.
 * Undefined is unknown.
 */
export function truthOf(condition: Condition, state: AccountState): boolean | undefined {
  if ('all' in condition) return every(condition.all.map((part) => truthOf(part, state)))
  if ('any' in condition) return negate(every(condition.any.map((part) => negate(truthOf(part, state)))))
  if ('not' in condition) return negate(truthOf(condition.not, state))
  if ('attribute' in condition) return condition.in.includes(ATTRIBUTES[condition.attribute](state))
  const value = metricOf(state, condition.metric)
  return value === undefined ? undefined : compare(value, condition.is, condition.value)
}

const negate = (truth: boolean | undefined): boolean | undefined => (truth === undefined ? undefined : !truth)

function every(truths: readonly (boolean | undefined)[]): boolean | undefined {
  if (truths.includes(false)) return false
  return truths.includes(undefined) ? undefined : true
}

function compare(value: number, is: Comparison, than: number): boolean {
  switch (is) {
    case '<':
      return value < than
    case '<=':
      return value <= than
    case '=':
      return value === than
    case '>=':
      return value >= than
    case '>':
      return value > than
  }
}

/** @example conditionText({ metric: 'healthScore', is: '<', value: 40 }) // 'healthScore < 40' */
export function conditionText(condition: Condition): string {
  if ('all' in condition) return condition.all.map(conditionText).join(' and ')
  if ('any' in condition) return `(${condition.any.map(conditionText).join(' or ')})`
  if ('not' in condition) return `not (${conditionText(condition.not)})`
  if ('attribute' in condition) return `${condition.attribute} in ${condition.in.join(', ')}`
  return `${condition.metric} ${condition.is} ${condition.value}`
}

/** The condition's numbers as they are, for people. @example factsText(condition, state) // 'healthScore 31' */
export function factsText(condition: Condition, state: AccountState): string {
  const texts = metricsIn(condition).flatMap((metric) => {
    const value = metricOf(state, metric)
    return value === undefined ? [] : [`${metric} ${Number(value.toFixed(2))}`]
  })
  return [...new Set(texts)].join(', ')
}

function metricsIn(condition: Condition): Metric[] {
  if ('all' in condition) return condition.all.flatMap(metricsIn)
  if ('any' in condition) return condition.any.flatMap(metricsIn)
  if ('not' in condition) return metricsIn(condition.not)
  return 'metric' in condition ? [condition.metric] : []
}
