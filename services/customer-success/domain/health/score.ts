/** The score of an account on a day, and everything it was made of. */

import { type Configuration, type Template, templateOf } from './configuration.ts'
import { curveAt } from './curve.ts'
import { COMPONENTS, type Component, METRIC_NAMES, METRICS, type MetricName, type Readings } from './metrics.ts'

export type Band = 'healthy' | 'at_risk' | 'churn_risk' | 'unknown'

export const HEALTHY_FROM = 70
export const AT_RISK_FROM = 40
/** Less of the weight with data behind it, and a score is provisional: no risk is raised from it. */
export const LEAST_CONFIDENCE = 0.5

/** One metric's part: `weight` x `points`, weights of all parts sum to 1. */
export type Part = { readonly metric: MetricName; readonly points: number; readonly weight: number }

export type Health = {
  readonly version: number
  readonly template: string
  readonly readings: Readings
  readonly parts: readonly Part[]
  /** Weighted mean of the points. Undefined when nothing is known. */
  readonly mean: number | undefined
  /** The mean on the template's scale, 0 to 100. */
  readonly score: number | undefined
  readonly confidence: number
}

export type ComponentScore = {
  readonly name: Component
  /** 0 to 100, undefined without data. */
  readonly value: number | undefined
  readonly weight: number
  readonly confidence: number
}

/** Whose readings they are, for the choice of the template. */
export type Subject = { readonly segment: string; readonly ageDays: number }

/** @example healthOf(readingsOf(snapshot, book), { segment: 'smb', ageDays: 200 }, DEFAULT_CONFIGURATION).score */
export function healthOf(readings: Readings, { segment, ageDays }: Subject, configuration: Configuration): Health {
  return healthBy(readings, templateOf(configuration, segment, ageDays), configuration)
}

/** The same by a given template: what a score would have been under another configuration. */
export function healthBy(readings: Readings, name: string, configuration: Configuration): Health {
  const template = configuration.templates[name]
  if (template === undefined) throw new RangeError(`configuration ${configuration.version} has no template ${name}`)
  const parts = partsOf(readings, template)
  const mean = parts.length === 0 ? undefined : parts.reduce((sum, { weight, points }) => sum + weight * points, 0)
  return {
    version: configuration.version,
    template: name,
    readings,
    parts,
    mean,
    score: mean === undefined ? undefined : curveAt(template.scale, mean),
    confidence: confidenceOf(readings, template),
  }
}

export function bandOf(score: number | undefined): Band {
  if (score === undefined) return 'unknown'
  if (score >= HEALTHY_FROM) return 'healthy'
  return score >= AT_RISK_FROM ? 'at_risk' : 'churn_risk'
}

const metricsOf = (component: Component): readonly MetricName[] =>
  METRIC_NAMES.filter((name) => METRICS[name].component === component)
const METRICS_OF = new Map(COMPONENTS.map((component) => [component, metricsOf(component)]))

/**
 * A component keeps its weight as long as one of its metrics has data; the weight of one that has none is spread over the
 * others in proportion. Nothing is imputed.
 */
function partsOf(readings: Readings, { weights, metrics }: Template): readonly Part[] {
  const present = COMPONENTS.flatMap((component) => {
    const weight = weights[component] ?? 0
    if (weight === 0) return []
    const members = (METRICS_OF.get(component) ?? []).flatMap((metric) => {
      const rule = metrics[metric]
      const reading = readings[metric]
      if (rule === undefined || reading === undefined || rule.weight === 0) return []
      return [{ metric, share: rule.weight, points: curveAt(rule.curve, reading.value) }]
    })
    return members.length === 0 ? [] : [{ weight, members }]
  })
  const total = present.reduce((sum, { weight }) => sum + weight, 0)
  return present.flatMap(({ weight, members }) => {
    const shares = members.reduce((sum, { share }) => sum + share, 0)
    return members.map(({ metric, share, points }) => ({ metric, points, weight: (weight / total) * (share / shares) }))
  })
}

function confidenceOf(readings: Readings, template: Template): number {
  let total = 0
  let known = 0
  for (const component of COMPONENTS) {
    const weight = template.weights[component] ?? 0
    total += weight
    known += weight * componentConfidence(component, readings, template)
  }
  return total === 0 ? 0 : known / total
}

function componentConfidence(component: Component, readings: Readings, { metrics }: Template): number {
  let total = 0
  let known = 0
  for (const metric of METRICS_OF.get(component) ?? []) {
    const weight = metrics[metric]?.weight ?? 0
    const reading = readings[metric]
    if (reading === undefined) continue
    total += weight
    known += weight * reading.confidence
  }
  return total === 0 ? 0 : known / total
}

/** Components of the template, in the design's order; those without data have no value and no weight. */
export function componentsOf(health: Health, configuration: Configuration): readonly ComponentScore[] {
  const template = configuration.templates[health.template]
  if (template === undefined) return []
  return COMPONENTS.filter((name) => (template.weights[name] ?? 0) > 0).map((name) => {
    const parts = health.parts.filter(({ metric }) => METRICS[metric].component === name)
    const weight = parts.reduce((sum, part) => sum + part.weight, 0)
    const points = parts.reduce((sum, part) => sum + part.weight * part.points, 0)
    return {
      name,
      value: weight === 0 ? undefined : points / weight,
      weight,
      confidence: componentConfidence(name, health.readings, template),
    }
  })
}
