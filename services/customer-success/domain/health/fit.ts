/** Weights and scale from what became of accounts: a configuration that is fitted, not believed. */

import { fitIsotonic, isotonicAt } from '../learn/isotonic.ts'
import { fitLogistic } from '../learn/logistic.ts'
import { backtest, type Comparison, type Fate } from './backtest.ts'
import type { Configuration, MetricRule, Template } from './configuration.ts'
import type { Curve } from './curve.ts'
import { COMPONENTS, METRIC_NAMES, METRICS, type MetricName, type Readings } from './metrics.ts'
import { AT_RISK_FROM, HEALTHY_FROM, healthBy } from './score.ts'

/** An account on a day, and whether it churned in the window that follows. */
export type Example = { readonly readings: Readings; readonly churned: boolean }

export type FitOptions = {
  /**
   * Pull of the default weights: with the log odds' curvature of about base x (1 - base) a row, it weighs as much as this
   * divided by that many rows. Few churners leave the defaults nearly as they are.
   */
  readonly l2: number
  /** Churn of those below 40 at least, and of those from 70 on at most, as multiples of the mean. */
  readonly atRisk: number
  readonly healthy: number
}

/**
 * Below 40 promises three times the mean: an edge chosen where it just holds falls short elsewhere, so a tenth more is asked.
 * Both this and `l2` were chosen on splits within the training accounts of `tools/bench/cs/health.ts`.
 */
export const FIT_DEFAULTS: FitOptions = { l2: 2, atRisk: 3.3, healthy: 0.5 }

/** Bins of equal size the scale is read from: finer ones say little about a rate of a few per cent. */
const BINS = 40
/** How far below healthy the best stay when nobody is as safe as healthy promises. */
const LEAST_RISE = 0.01

/**
 * A template whose weights are a non-negative logistic regression of churn on points lost, drawn to the given ones, and
 * whose scale makes 40 and 70 mean multiples of the mean churn. Examples without any data are left out.
 * Throws RangeError when nobody or everybody churned.
 */
export function fitTemplate(
  name: string,
  configuration: Configuration,
  examples: readonly Example[],
  options: FitOptions = FIT_DEFAULTS,
): Template {
  const template = configuration.templates[name]
  if (template === undefined) throw new RangeError(`configuration ${configuration.version} has no template ${name}`)
  const known = examples.filter(({ readings }) => healthBy(readings, name, configuration).parts.length > 0)
  const churned = Uint8Array.from(known, (example) => (example.churned ? 1 : 0))
  const churners = churned.reduce((sum, y) => sum + y, 0)
  if (churners === 0 || churners === known.length) throw new RangeError('a fit needs both who stayed and who left')

  const metrics = METRIC_NAMES.filter((metric) => shareOf(template, metric) > 0)
  const columns = lostColumns(known, metrics, name, configuration)
  const shares = metrics.map((metric) => shareOf(template, metric))
  const lost = columns.reduce(
    (sum, column, j) => sum.map((x, i) => x + (shares[j] ?? 0) * (column[i] ?? 0)),
    new Float64Array(known.length),
  )
  const strength = fitLogistic([lost], churned, { l2: 0, nonNegative: true }).weights[0] ?? 0
  const { weights } = fitLogistic(columns, churned, {
    l2: options.l2,
    towards: shares.map((share) => share * strength),
    nonNegative: true,
  })
  const fitted = withWeights(template, new Map(metrics.map((metric, j) => [metric, weights[j] ?? 0])))
  const trial = { ...configuration, templates: { ...configuration.templates, [name]: fitted } }
  const means = Float64Array.from(known, ({ readings }) => healthBy(readings, name, trial).mean ?? 0)
  return { ...fitted, scale: scaleOf(means, churned, options) }
}

/** A metric's share of the whole template, 0 to 1. */
function shareOf({ weights, metrics }: Template, metric: MetricName): number {
  const { component } = METRICS[metric]
  const total = COMPONENTS.reduce((sum, other) => sum + (weights[other] ?? 0), 0)
  const within = METRIC_NAMES.filter((other) => METRICS[other].component === component)
  const shares = within.reduce((sum, other) => sum + (metrics[other]?.weight ?? 0), 0)
  return shares === 0 ? 0 : ((weights[component] ?? 0) / total) * ((metrics[metric]?.weight ?? 0) / shares)
}

/** Points lost, 0 to 1. What has no data stands where the score lets it stand: at the mean of what has. */
function lostColumns(
  examples: readonly Example[],
  metrics: readonly MetricName[],
  name: string,
  configuration: Configuration,
): Float64Array[] {
  const columns = metrics.map(() => new Float64Array(examples.length))
  examples.forEach(({ readings }, i) => {
    const health = healthBy(readings, name, configuration)
    const points = new Map(health.parts.map((part) => [part.metric, part.points]))
    metrics.forEach((metric, j) => {
      const column = columns[j]
      if (column !== undefined) column[i] = 1 - (points.get(metric) ?? health.mean ?? 0) / 100
    })
  })
  return columns
}

function withWeights(template: Template, fitted: ReadonlyMap<MetricName, number>): Template {
  const weights = { ...template.weights }
  const metrics: Partial<Record<MetricName, MetricRule>> = {}
  for (const component of COMPONENTS) {
    const members = METRIC_NAMES.filter((metric) => METRICS[metric].component === component && fitted.has(metric))
    if (members.length > 0) weights[component] = members.reduce((sum, metric) => sum + (fitted.get(metric) ?? 0), 0)
    for (const metric of members) {
      const rule = template.metrics[metric]
      if (rule !== undefined) metrics[metric] = { ...rule, weight: fitted.get(metric) ?? 0 }
    }
  }
  return { ...template, weights, metrics }
}

/**
 * Where 40 and 70 lie: the most accounts at the bottom that together churn at least `atRisk` times the mean, and the most at
 * the top that together churn at most `healthy` times. Rates are isotonic in the mean, so that chance in one bin moves
 * neither. Where nobody is as safe (or as lost) as that, nobody gets 70 (or less than 40).
 */
function scaleOf(means: Float64Array, churned: Uint8Array, { atRisk, healthy }: FitOptions): Curve {
  const base = churned.reduce((sum, y) => sum + y, 0) / churned.length
  const raw = binsOf(means, churned)
  const fitted = fitIsotonic(
    Float64Array.from(raw, ({ mean }) => -mean),
    raw.map(({ rate }) => rate),
  )
  const bins = raw.map(({ mean }) => ({ mean, rate: isotonicAt(fitted, -mean) }))
  const low = edge(bins, (rate) => rate > base, atRisk * base, 1)
  const high = edge(bins.toReversed(), (rate) => rate <= base, healthy * base, -1)
  const knots: [number, number][] = [[0, 0]]
  if (low !== undefined && low > 0) knots.push([low, AT_RISK_FROM])
  if (high !== undefined && high < 100) knots.push([high, HEALTHY_FROM])
  const [, top] = knots.at(-1) ?? [0, 0]
  knots.push([100, top === HEALTHY_FROM ? 100 : HEALTHY_FROM - LEAST_RISE])
  return knots
}

type Bin = { readonly mean: number; readonly rate: number }

/**
 * The mean half way to the first bin that is no longer in: as many from the start as together are at or beyond the limit,
 * upwards or downwards. None from the other side of the mean churn: where leavers and stayers are far apart, the two edges
 * could pass each other.
 */
function edge(
  bins: readonly Bin[],
  isOfSide: (rate: number) => boolean,
  limit: number,
  sign: 1 | -1,
): number | undefined {
  let sum = 0
  let found: number | undefined
  for (const [i, { mean, rate }] of bins.entries()) {
    if (!isOfSide(rate)) break
    sum += rate
    if (sign * (sum / (i + 1) - limit) >= 0) found = (mean + (bins[i + 1]?.mean ?? mean)) / 2
  }
  return found
}

/** As many rows in each, by mean upwards. */
function binsOf(means: Float64Array, churned: Uint8Array): Bin[] {
  const order = Int32Array.from(means, (_, i) => i).sort((a, b) => (means[a] ?? 0) - (means[b] ?? 0))
  const bins: Bin[] = []
  for (let bin = 0; bin < BINS; bin++) {
    const rows = order.subarray(Math.floor((bin * order.length) / BINS), Math.floor(((bin + 1) * order.length) / BINS))
    if (rows.length === 0) continue
    const average = (of: ArrayLike<number>) => rows.reduce((sum, i) => sum + (of[i] ?? 0), 0) / rows.length
    bins.push({ mean: average(means), rate: average(churned) })
  }
  return bins
}

/** Fewer accounts that left are no basis for weights. */
export const LEAST_CHURNERS = 50
const FITTED_SHARE = 0.75

export type Fit = { readonly configuration: Configuration; readonly backtest: Comparison }

/**
 * The same configuration with every template fitted that has enough churners; undefined when none has. Fitted on the older
 * days, tested on the newer ones beside the one there was.
 * @param fates in order of days
 */
export function fitConfiguration(fates: readonly Fate[], configuration: Configuration): Fit | undefined {
  const split = Math.floor(fates.length * FITTED_SHARE)
  const older = Map.groupBy(fates.slice(0, split), ({ template }) => template)
  const templates = { ...configuration.templates }
  let isFitted = false
  for (const [name, own] of older) {
    const leavers = new Set(own.filter(({ churned }) => churned).map(({ accountId }) => accountId))
    if (templates[name] === undefined || leavers.size < LEAST_CHURNERS) continue
    templates[name] = fitTemplate(name, configuration, own)
    isFitted = true
  }
  if (!isFitted) return undefined
  const fitted = { ...configuration, templates }
  const newer = fates.slice(split)
  const before = { version: configuration.version, ...backtest(newer, configuration) }
  return { configuration: fitted, backtest: { fitted: backtest(newer, fitted), before } }
}

/**
 * A configuration made by hand beside another one, on all days whose outcome is known: it was fitted on none of them. Each
 * account by the template it had, where both have that. Undefined when too few left to tell.
 */
export function compareConfigurations(
  fates: readonly Fate[],
  made: Omit<Configuration, 'version'>,
  before: Configuration,
): Comparison | undefined {
  const both = fates.filter(({ template }) => made.templates[template] && before.templates[template])
  const leavers = new Set(both.filter(({ churned }) => churned).map(({ accountId }) => accountId))
  if (leavers.size < LEAST_CHURNERS) return undefined
  return {
    fitted: backtest(both, { ...made, version: before.version + 1 }),
    before: { version: before.version, ...backtest(both, before) },
  }
}
