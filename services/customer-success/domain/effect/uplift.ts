/**
 * For whom a playbook makes a difference: a model of the goal among treated accounts and one among held-out ones, whose
 * difference is what acting adds (the two-model approach; B. Hansotia and B. Rukstales, Journal of Interactive Marketing 16,
 * 2002). Highest risk is not the best target, largest difference is (E. Ascarza, Journal of Marketing Research 55, 2018).
 */

import { type Boosted, type BoostOptions, binColumns, explainBoosted, fitBoosted } from '../learn/boost.ts'
import { bootstrap, type Estimate, estimate } from '../learn/evidence.ts'
import { sigmoid } from '../learn/logistic.ts'
import { createRandom } from '../learn/random.ts'
import { criticalValue } from './proportions.ts'

/** Fewer accounts in an arm say nothing about differences between accounts (customer-success.md section 4). */
export const LEAST_PER_ARM = 500

/** A row an account, once each: as it was before it was triggered, and what came of it. */
export type UpliftData = {
  readonly accountIds: readonly string[]
  readonly names: readonly string[]
  /** One array a name; NaN = not known. */
  readonly columns: readonly Float64Array[]
  readonly treated: Uint8Array
  readonly reached: Uint8Array
}

/** Plain data: it survives JSON unchanged. Each member is fitted to another bootstrap draw of both arms. */
export type UpliftModel = {
  readonly names: readonly string[]
  readonly members: readonly { readonly treated: Boosted; readonly heldOut: Boosted }[]
}

/** How much more likely the account reaches the goal when treated, with 95 %. */
export type Uplift = { readonly value: number; readonly low: number; readonly high: number }

export type QiniCurve = {
  /** By share of accounts treated, those with the largest predicted uplift first: what that adds to the rate of all. */
  readonly points: readonly { readonly share: number; readonly gain: Estimate }[]
  /** Mean height of the curve above treating as many by chance. */
  readonly coefficient: Estimate
}

/** Small trees and few of them: a difference is fainter than a level, and each arm has its own. */
const OPTIONS: Omit<BoostOptions, 'seed' | 'directions'> = {
  rounds: 50,
  depth: 2,
  learningRate: 0.08,
  l2: 10,
  leastLeaf: 5,
  rowShare: 0.7,
  featureShare: 0.5,
}
const MEMBERS = 20
const FOLDS = 5
const DRAWS = 400
const SHARES = Array.from({ length: 20 }, (_, i) => (i + 1) / 20)

export function fitUplift(data: UpliftData, seed = 1): { readonly model: UpliftModel; readonly curve: QiniCurve } {
  const binned = binColumns(data.columns)
  const directions = data.names.map(() => 0 as const)
  const all = Int32Array.from(data.treated, (_, i) => i)
  const fit = (rows: Int32Array, n: number) => {
    const [treated, heldOut] = [1, 0].map((arm) =>
      fitBoosted(
        binned,
        data.reached,
        rows.filter((i) => data.treated[i] === arm),
        {
          ...OPTIONS,
          ...{ directions, seed: seed + n },
        },
      ),
    ) as [Boosted, Boosted]
    return { treated, heldOut }
  }
  const random = createRandom(seed)
  const members = Array.from({ length: MEMBERS }, (_, n) =>
    fit(
      all.map(() => Math.floor(random() * all.length)),
      n,
    ),
  )
  // What is said of an account is judged where it was not learned from.
  const fold = all.map(() => Math.floor(random() * FOLDS))
  const unseen = new Float64Array(all.length)
  for (let f = 0; f < FOLDS; f++) {
    const model = fit(
      all.filter((i) => fold[i] !== f),
      MEMBERS + f,
    )
    for (const i of all.filter((row) => fold[row] === f)) unseen[i] = differenceOf(model, featuresOf(data, i))
  }
  return { model: { names: data.names, members }, curve: qiniOf(unseen, data, seed) }
}

const featuresOf = ({ columns }: UpliftData, row: number): Float64Array =>
  Float64Array.from(columns, (column) => column[row] ?? Number.NaN)

/** @param features in the order of the model's names, NaN = not known */
export function upliftOf({ members }: UpliftModel, features: ArrayLike<number>): Uplift {
  const values = members.map((member) => differenceOf(member, features))
  const value = values.reduce((sum, x) => sum + x, 0) / values.length
  const variance = values.reduce((sum, x) => sum + (x - value) ** 2, 0) / (values.length - 1)
  const half = criticalValue(0.95) * Math.sqrt(variance)
  return { value, low: value - half, high: value + half }
}

function differenceOf({ treated, heldOut }: UpliftModel['members'][number], features: ArrayLike<number>): number {
  return probabilityOf(treated, features) - probabilityOf(heldOut, features)
}

function probabilityOf(boosted: Boosted, features: ArrayLike<number>): number {
  const parts = new Float64Array(features.length)
  const rest = explainBoosted(boosted, features, 1, parts)
  return sigmoid(parts.reduce((sum, part) => sum + part, rest))
}

/**
 * The Qini curve (N. Radcliffe, Direct Marketing Analytics Journal, 2007) with a bootstrap interval over accounts; the
 * predictions stay as they are.
 */
export function qiniOf(predicted: Float64Array, data: Omit<UpliftData, 'names' | 'columns'>, seed = 1): QiniCurve {
  const order = Int32Array.from(predicted, (_, i) => i).sort(
    (a, b) => (predicted[b] ?? 0) - (predicted[a] ?? 0) || a - b,
  )
  const once = new Float64Array(order.length).fill(1)
  const told = qiniFigures(order, data, once)
  const draws = bootstrap(data.accountIds, DRAWS, seed, (weight) => qiniFigures(order, data, weight))
  const figure = (at: number): Estimate =>
    estimate(
      told[at] ?? Number.NaN,
      draws.map((draw) => draw[at] ?? Number.NaN),
    )
  return {
    points: SHARES.map((share, at) => ({ share, gain: figure(at) })),
    coefficient: figure(SHARES.length),
  }
}

/** The gain at each share, then the coefficient. */
function qiniFigures(
  order: Int32Array,
  { treated, reached }: Pick<UpliftData, 'treated' | 'reached'>,
  weight: Float64Array,
): number[] {
  const total = weight.reduce((sum, w) => sum + w, 0)
  // Held out, treated; of these, who reached the goal.
  const n = [0, 0]
  const successes = [0, 0]
  const gains: number[] = []
  let seen = 0
  for (const i of order) {
    const w = weight[i] ?? 0
    const arm = treated[i] ?? 0
    seen += w
    n[arm] = (n[arm] ?? 0) + w
    successes[arm] = (successes[arm] ?? 0) + w * (reached[i] ?? 0)
    while (gains.length < SHARES.length && seen >= (SHARES[gains.length] ?? 1) * total - 1e-9) {
      const [ofHeldOut = 0, ofTreated = 0] = n.map((count, a) => (count === 0 ? 0 : (successes[a] ?? 0) / count))
      gains.push((seen / total) * (ofTreated - ofHeldOut))
    }
  }
  const whole = gains.at(-1) ?? 0
  const above = gains.map((gain, at) => gain - (SHARES[at] ?? 1) * whole)
  return [...gains, above.reduce((sum, x) => sum + x, 0) / above.length]
}

/**
 * An account that contact would rather drive away: its whole interval is below 0, by a model that is shown to tell accounts
 * apart at all.
 */
export const isSleepingDog = ({ high }: Uplift, { coefficient }: QiniCurve): boolean => coefficient.low > 0 && high < 0
