/** Why a score moved, or why it is not what is usual: lines that add up to the difference exactly. */

import type { Configuration } from './configuration.ts'
import { curveAt } from './curve.ts'
import { type Component, METRICS, type MetricName } from './metrics.ts'
import { type Health, healthBy, type Part } from './score.ts'

export type Line = {
  readonly component: Component | 'renormalisation' | 'configuration'
  /** Empty for lines that are of no metric. */
  readonly metric: MetricName | ''
  readonly before: number | undefined
  readonly after: number | undefined
  /** Its part of the difference, points of the score. */
  readonly points: number
  readonly text: string
}

/**
 * Lines of `after.score - before.score`, largest first. A metric's line is its change times its mean weight. Where weights
 * differ because data came or went, that is one line, `renormalisation`; where the configuration or the template changed,
 * what the account would have had under the old one is compared first and the rest is one line, `configuration`.
 * Empty when one of the two has no score.
 * @param then the configuration of `before`
 */
export function explain(before: Health, after: Health, then: Configuration): readonly Line[] {
  if (before.score === undefined || after.score === undefined) return []
  const isSame = before.version === after.version && before.template === after.template
  const bridge = isSame ? after : healthBy(after.readings, before.template, then)
  const lines = linesBetween(before, bridge, then)
  const rest = after.score - (bridge.score ?? before.score)
  if (!isSame) {
    const text = `scored by version ${before.version} (${before.template}) -> ${after.version} (${after.template})`
    lines.push({ component: 'configuration', metric: '', before: undefined, after: undefined, points: rest, text })
  }
  return byWeight(lines)
}

const byWeight = (lines: readonly Line[]): Line[] =>
  lines.filter(({ points }) => points !== 0).sort((a, b) => Math.abs(b.points) - Math.abs(a.points))

/** Both by the same template of the same configuration. */
function linesBetween(before: Health, after: Health, configuration: Configuration): Line[] {
  if (before.mean === undefined || after.mean === undefined) return []
  const slope = slopeOf(before, after, configuration)
  const earlier = new Map(before.parts.map((part) => [part.metric, part]))
  const changes = new Map<MetricName, number>()
  const add = (metric: MetricName, change: number) => changes.set(metric, (changes.get(metric) ?? 0) + change)
  let explained = 0
  for (const part of after.parts) {
    const was = earlier.get(part.metric)
    if (was === undefined) continue
    const change = ((was.weight + part.weight) / 2) * (part.points - was.points)
    explained += change
    const { metric, share } = toldElsewhere(part.metric, before, after)
    const elsewhere = change < 0 ? change * share : 0
    add(part.metric, change - elsewhere)
    if (elsewhere !== 0) add(metric, elsewhere)
  }
  const lines = [...changes].map(([metric, change]) => lineOf(metric, before, after, slope * change))
  const points = slope * (after.mean - before.mean - explained)
  if (weightsDiffer(before.parts, after.parts)) lines.push(renormalisation(before, after, points))
  return lines
}

/** A loss is another metric's story only where that one has figures of both days to tell. */
function toldElsewhere(metric: MetricName, before: Health, after: Health): { metric: MetricName; share: number } {
  const toldAs = after.readings[metric]?.toldAs
  const isKnown = toldAs !== undefined && [before, after].every(({ readings }) => readings[toldAs.metric] !== undefined)
  return isKnown ? toldAs : { metric, share: 0 }
}

/**
 * Points of the score per point of the mean, between the two: with it a line's share of the mean is its share of the score
 * and the sum stays exact. When nothing moved in sum, the scale at that place.
 */
function slopeOf(before: Health, after: Health, configuration: Configuration): number {
  const [from = 0, to = 0] = [before.mean, after.mean]
  const scale = configuration.templates[before.template]?.scale ?? []
  const width = to - from
  if (Math.abs(width) > 1e-10) return ((after.score ?? 0) - (before.score ?? 0)) / width
  return curveAt(scale, from + 0.5) - curveAt(scale, from - 0.5)
}

function weightsDiffer(before: readonly Part[], after: readonly Part[]): boolean {
  return before.length !== after.length || before.some(({ metric }, i) => after[i]?.metric !== metric)
}

function renormalisation(before: Health, after: Health, points: number): Line {
  const had = new Set(before.parts.map(({ metric }) => metric))
  const has = new Set(after.parts.map(({ metric }) => metric))
  const came = [...has].filter((metric) => !had.has(metric))
  const went = [...had].filter((metric) => !has.has(metric))
  const words = [came.length > 0 && `data for ${came.join(', ')} came`, went.length > 0 && `${went.join(', ')} went`]
  const text = words.filter((word) => word !== false).join('; ')
  return { component: 'renormalisation', metric: '', before: undefined, after: undefined, points, text }
}

function lineOf(metric: MetricName, before: Health, after: Health, points: number): Line {
  const from = before.readings[metric]?.shown
  const to = after.readings[metric]?.shown
  const { component } = METRICS[metric]
  return { component, metric, before: from, after: to, points, text: textOf(metric, from, to, points) }
}

/** @example 'active users 14 -> 6 in 28 d, -9.3 points' */
function textOf(metric: MetricName, before: number | undefined, after: number | undefined, points: number): string {
  const sentence = METRICS[metric].sentence.replace('{before}', shown(before)).replace('{after}', shown(after))
  return `${sentence}, ${points < 0 ? '' : '+'}${points.toFixed(1)} points`
}

const shown = (value: number | undefined): string => (value === undefined ? '?' : String(Number(value.toPrecision(3))))

/** Lines of the same component added up, largest first: which part of the relationship it is. */
export function byComponent(lines: readonly Line[]): ReadonlyMap<Line['component'], number> {
  const sums = new Map<Line['component'], number>()
  for (const { component, points } of lines) sums.set(component, (sums.get(component) ?? 0) + points)
  return new Map([...sums].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a)))
}
