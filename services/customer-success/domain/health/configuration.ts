/** What makes a score of readings: weights, curves and the map to 0-100. Versioned; a score names the version it is of. */

import { type Curve, curveProblem } from './curve.ts'
import { COMPONENTS, type Component, METRIC_NAMES, METRICS, type MetricName } from './metrics.ts'

/** A metric's share of its component, and its points from 0 to 100 by value. */
export type MetricRule = { readonly weight: number; readonly curve: Curve }

export type Template = {
  /** Any unit: only proportions count. A component left out has no part. */
  readonly weights: Readonly<Partial<Record<Component, number>>>
  readonly metrics: Readonly<Partial<Record<MetricName, MetricRule>>>
  /** From the weighted mean of the points to the score; strictly rising, so that a change keeps its sign. */
  readonly scale: Curve
}

export type Configuration = {
  readonly version: number
  readonly templates: Readonly<Record<string, Template>>
  /** Which template an account gets: the first rule that fits. The last one fits all. */
  readonly rules: readonly TemplateRule[]
}

export type TemplateRule = {
  readonly template: string
  /** Empty or left out: any. */
  readonly segment?: string
  /** Only accounts younger than this. */
  readonly youngerThanDays?: number
}

/** Accounts younger than this have no own baseline yet. */
export const ONBOARDING_DAYS = 28

export function templateOf({ rules }: Configuration, segment: string, ageDays: number): string {
  const rule = rules.find(
    (candidate) =>
      (candidate.segment === undefined || candidate.segment === '' || candidate.segment === segment) &&
      ageDays < (candidate.youngerThanDays ?? Number.POSITIVE_INFINITY),
  )
  if (rule === undefined) throw new RangeError('the last template rule must fit every account')
  return rule.template
}

/** What is wrong with a configuration a person made, undefined when nothing is. */
export function configurationProblem({ templates, rules }: Omit<Configuration, 'version'>): string | undefined {
  for (const [name, { weights, metrics, scale }] of Object.entries(templates)) {
    for (const component of COMPONENTS) {
      const weight = weights[component] ?? 0
      if (weight < 0) return `weight of ${component} in ${name} is negative`
      const shares = METRIC_NAMES.filter((metric) => METRICS[metric].component === component)
        .map((metric) => metrics[metric]?.weight ?? 0)
        .reduce((sum, share) => sum + share, 0)
      if (weight > 0 && shares <= 0) return `${component} in ${name} has a weight and no metrics`
    }
    if (!COMPONENTS.some((component) => (weights[component] ?? 0) > 0)) return `no component of ${name} has a weight`
    for (const metric of METRIC_NAMES) {
      const rule = metrics[metric]
      const problem = rule && (rule.weight < 0 ? 'has a negative weight' : curveProblem(rule.curve))
      if (problem !== undefined) return `${metric} in ${name} ${problem}`
      if (rule?.curve.some(([, points]) => points < 0 || points > 100)) return `${metric} in ${name} leaves 0 to 100`
    }
    const problem = curveProblem(scale)
    if (problem !== undefined) return `scale of ${name} ${problem}`
    if (!scale.every(([, y], i) => i === 0 || y > (scale[i - 1]?.[1] ?? y))) return `scale of ${name} does not rise`
  }
  const unknown = rules.find(({ template }) => templates[template] === undefined)
  if (unknown !== undefined) return `no template is called ${unknown.template}`
  const last = rules.at(-1)
  if (last === undefined || (last.segment ?? '') !== '' || last.youngerThanDays !== undefined) {
    return 'the last rule must fit every account'
  }
  return undefined
}
