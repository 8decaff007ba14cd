/**
 * The churn model: logistic regression on ramps and boosted trees, fitted on the rows of all folds but one, for each fold.
 * The members of all folds are averaged, in log odds, so that what a feature contributes adds up. How the two kinds are
 * weighed against each other, and how sure the result may sound, is fitted on what each member says of the rows it has
 * never seen (stacking, Wolpert 1992): a non-negative regression shrunk towards one half each, which calibrates as well
 * (Platt 1999). The same rows choose the penalty and the number of trees; nothing else is tuned to a data set.
 */

import {
  addTree,
  type Binned,
  type Boosted,
  type BoostOptions,
  binColumns,
  explainBoosted,
  fitBoosted,
} from './boost.ts'
import { fitLogistic, type Logistic, logisticScores, sigmoid } from './logistic.ts'
import { fitRamps, type Ramps, rampColumns, widthOf, writeRamps } from './ramps.ts'
import { foldOf } from './random.ts'
import { type Rows, takeRows } from './rows.ts'

export type ModelOptions = Omit<BoostOptions, 'rounds' | 'seed' | 'directions'> & {
  readonly folds: number
  /** Ramps a feature. */
  readonly ramps: number
  /** L2 penalties to choose from, the largest first because each fit begins at the one before. */
  readonly penalties: readonly number[]
  /** The most trees of a member. */
  readonly mostRounds: number
  /** How hard the weights of the two kinds are pulled to one half each. */
  readonly blendPenalty: number
  readonly seed: number
}

/** One configuration for every data set. */
export const MODEL_DEFAULTS: ModelOptions = {
  folds: 5,
  ramps: 5,
  penalties: [256, 64, 16, 4],
  mostRounds: 400,
  depth: 3,
  learningRate: 0.04,
  l2: 5,
  leastLeaf: 3,
  rowShare: 0.7,
  featureShare: 0.5,
  blendPenalty: 10,
  seed: 1,
}

type Member = { readonly ramps: readonly Ramps[]; readonly logistic: Logistic; readonly boosted: Boosted }

/** Plain data: it survives JSON unchanged. */
export type ChurnModel = {
  readonly names: readonly string[]
  readonly members: readonly Member[]
  /** Weights of the logistic regression's and the trees' log odds. */
  readonly blend: Logistic
  readonly trainedOn: {
    readonly rows: number
    readonly entities: number
    readonly churners: number
    readonly lastDay: number
  }
}

/** Throws when a fold would have no churner, or nobody who stayed, to learn from. */
export function trainChurnModel(rows: Rows, options: Partial<ModelOptions> = {}): ChurnModel {
  const settings = { ...MODEL_DEFAULTS, ...options }
  const { churned, names, directions } = rows
  const fold = rows.entity.map((entity) => foldOf(entity, settings.folds, settings.seed))
  const binned = binColumns(rows.columns)
  const places = Array.from({ length: settings.folds }, (_, f) => {
    const held = Int32Array.from(churned, (_, i) => i).filter((i) => fold[i] === f)
    const train = Int32Array.from(churned, (_, i) => i).filter((i) => fold[i] !== f)
    const churners = train.reduce((sum, i) => sum + (churned[i] ?? 0), 0)
    if (churners === 0 || churners === train.length)
      throw new RangeError('A model needs churners and accounts that stayed in every fold: give it more accounts.')
    return { held, train }
  })
  const lines = places.map(({ train, held }) => fitLines(rows, train, held, settings))
  const trees = places.map(({ train, held }, f) =>
    fitTrees(binned, churned, train, held, { ...settings, directions, seed: settings.seed + f }),
  )
  const penalty = indexOfLeast(sumOf(lines.map(({ losses }) => losses)))
  const round = indexOfLeast(sumOf(trees.map(({ losses }) => losses)))

  const unseen = [new Float64Array(churned.length), new Float64Array(churned.length)] as const
  const members = places.map(({ held }, f): Member => {
    const { ramps, fits, held: columns } = lines[f] ?? { ramps: [], fits: [], held: [] }
    const logistic = fits[penalty] ?? { intercept: 0, weights: [] }
    const all = trees[f]?.boosted ?? { base: 0, trees: [] }
    const boosted = { base: all.base, trees: all.trees.slice(0, round + 1) }
    put(unseen[0], held, logisticScores(logistic, columns, held.length))
    put(unseen[1], held, boostedScores(boosted, binned, held))
    return { ramps, logistic, boosted }
  })
  return {
    names,
    members,
    blend: fitLogistic(unseen, churned, { l2: settings.blendPenalty, towards: [0.5, 0.5], nonNegative: true }),
    trainedOn: {
      rows: churned.length,
      entities: new Set(rows.entity).size,
      churners: churnersOf(rows),
      lastDay: rows.day.reduce((last, day) => Math.max(last, day), -Infinity),
    },
  }
}

/** Entities that churned, each once however many of its rows say so. */
export function churnersOf({ entity, churned }: Rows): number {
  return new Set(entity.filter((_, i) => churned[i] === 1)).size
}

export type Driver = { readonly feature: string; readonly value: number; readonly logOdds: number }

export type Score = {
  readonly probability: number
  /** Log odds before any feature is looked at; with the drivers' sum, the log odds of `probability`. */
  readonly base: number
  /** One a feature, in the model's order. */
  readonly drivers: readonly Driver[]
}

/** @param features in the order of the model's names, NaN = not known */
export function score({ names, members, blend }: ChurnModel, features: ArrayLike<number>): Score {
  const parts = new Float64Array(names.length)
  const [lineShare = 0, treeShare = 0] = blend.weights.map((weight) => weight / members.length)
  let base = blend.intercept
  for (const { ramps, logistic, boosted } of members) {
    base += explainLines(ramps, logistic, features, lineShare, parts)
    base += explainBoosted(boosted, features, treeShare, parts)
  }
  const logOdds = parts.reduce((sum, part) => sum + part, base)
  return {
    probability: sigmoid(logOdds),
    base,
    drivers: names.map((feature, j) => ({ feature, value: features[j] ?? Number.NaN, logOdds: parts[j] ?? 0 })),
  }
}

/** Probability of every row. */
export function probabilities(model: ChurnModel, { columns, churned }: Rows): Float64Array {
  const features = new Float64Array(columns.length)
  return Float64Array.from(churned, (_, i) => {
    columns.forEach((column, j) => {
      features[j] = column[i] ?? Number.NaN
    })
    return score(model, features).probability
  })
}

/** Adds, times `share`, each feature's part of the log odds to `out`; returns the part no feature owns. */
function explainLines(
  ramps: readonly Ramps[],
  { intercept, weights }: Logistic,
  features: ArrayLike<number>,
  share: number,
  out: Float64Array,
): number {
  let at = 0
  for (const ramp of ramps) {
    const width = widthOf(ramp)
    const predictors = new Float64Array(width)
    writeRamps(ramp, features[ramp.feature] ?? Number.NaN, predictors, 0)
    let part = 0
    for (let k = 0; k < width; k++) part += (weights[at + k] ?? 0) * (predictors[k] ?? 0)
    out[ramp.feature] = (out[ramp.feature] ?? 0) + share * part
    at += width
  }
  return share * intercept
}

/** Regressions of one fold, one a penalty, with their loss on the rows they have not seen. */
function fitLines(rows: Rows, train: Int32Array, held: Int32Array, { ramps: count, penalties }: ModelOptions) {
  const training = takeRows(rows, train)
  const ramps = fitRamps(training.columns, count)
  const predictors = rampColumns(ramps, training.columns)
  const heldOut = takeRows(rows, held)
  const columns = rampColumns(ramps, heldOut.columns)
  const fits: Logistic[] = []
  for (const l2 of penalties) {
    const start = fits.at(-1)
    fits.push(fitLogistic(predictors, training.churned, start === undefined ? { l2 } : { l2, start }))
  }
  const losses = fits.map((fit) => lossOf(logisticScores(fit, columns, held.length), heldOut.churned))
  return { ramps, fits, held: columns, losses }
}

/** Trees of one fold, with the loss on the rows they have not seen after each. */
function fitTrees(
  binned: Binned,
  churned: Uint8Array,
  train: Int32Array,
  held: Int32Array,
  settings: ModelOptions & Pick<BoostOptions, 'directions'>,
) {
  const bins = binned.bins.map((column) => Uint8Array.from(held, (i) => column[i] ?? 0))
  const truth = Uint8Array.from(held, (i) => churned[i] ?? 0)
  const boosted = fitBoosted(binned, churned, train, { ...settings, rounds: settings.mostRounds })
  const scores = new Float64Array(held.length).fill(boosted.base)
  const losses = boosted.trees.map((tree) => {
    addTree(tree, { bins, edges: binned.edges }, scores)
    return lossOf(scores, truth)
  })
  return { boosted, losses }
}

function boostedScores({ base, trees }: Boosted, { bins, edges }: Binned, held: Int32Array): Float64Array {
  const own = { bins: bins.map((column) => Uint8Array.from(held, (i) => column[i] ?? 0)), edges }
  const scores = new Float64Array(held.length).fill(base)
  for (const tree of trees) addTree(tree, own, scores)
  return scores
}

/** Sum of the log loss of log odds. */
function lossOf(logOdds: Float64Array, churned: Uint8Array): number {
  let loss = 0
  for (let i = 0; i < logOdds.length; i++) {
    const x = logOdds[i] ?? 0
    loss += Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) - (churned[i] === 1 ? x : 0)
  }
  return loss
}

const sumOf = (lists: readonly (readonly number[])[]): number[] =>
  (lists[0] ?? []).map((_, k) => lists.reduce((sum, list) => sum + (list[k] ?? 0), 0))

const indexOfLeast = (values: readonly number[]): number => values.indexOf(Math.min(...values))

function put(target: Float64Array, places: Int32Array, values: Float64Array): void {
  places.forEach((i, at) => {
    target[i] = values[at] ?? 0
  })
}
