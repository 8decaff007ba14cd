/**
 * BG/NBD: buying without a contract (Fader, Hardie and Lee 2005, "Counting your customers" the easy way). While a
 * customer is alive purchases are Poisson with a gamma-distributed rate; after each one they leave with a beta-
 * distributed chance. Kept as a comparator and as a feature of the learned model, not as the model.
 */

/** One array entry a customer, time in one unit of choice. */
export type Purchases = {
  /** Repeat purchases: periods with a purchase, the first left out. */
  readonly frequency: Float64Array
  /** Time from the first to the last of them; 0 without a repeat. */
  readonly recency: Float64Array
  /** Time from the first purchase to the end of what is known. */
  readonly age: Float64Array
}

export type BgNbd = { readonly r: number; readonly alpha: number; readonly a: number; readonly b: number }

/** Log likelihood, equation 6 of the paper. */
export function bgNbdLogLikelihood({ frequency, recency, age }: Purchases, { r, alpha, a, b }: BgNbd): number {
  const fixed = r * Math.log(alpha) - logGamma(r) + logGamma(a + b) - logGamma(b)
  let sum = 0
  for (let i = 0; i < frequency.length; i++) {
    const x = frequency[i] ?? 0
    const stays = -(r + x) * Math.log(alpha + (age[i] ?? 0))
    const left = x > 0 ? Math.log(a / (b + x - 1)) - (r + x) * Math.log(alpha + (recency[i] ?? 0)) : -Infinity
    const most = Math.max(stays, left)
    sum += fixed + logGamma(r + x) + logGamma(b + x) - logGamma(a + b + x)
    sum += most + Math.log(Math.exp(stays - most) + Math.exp(left - most))
  }
  return sum
}

/** Where the search begins, as [r, alpha / mean age, a, b]: one start alone has been seen to end on a ridge. */
const STARTS = [
  [1, 1, 1, 1],
  [0.25, 0.1, 0.5, 2],
  [0.5, 0.3, 2, 10],
  [2, 3, 0.2, 0.5],
] as const

/** The likeliest parameters over several starts, each the end of a simplex search on their logarithms. */
export function fitBgNbd(purchases: Purchases): BgNbd & { readonly logLikelihood: number } {
  const meanAge = purchases.age.reduce((sum, t) => sum + t, 0) / Math.max(1, purchases.age.length)
  const cost = (at: Float64Array): number => -bgNbdLogLikelihood(purchases, parametersAt(at))
  const ends = STARTS.map(([r, alpha, a, b]) => descend(cost, Float64Array.of(r, alpha * meanAge, a, b).map(Math.log)))
  const best = ends.reduce((one, other) => (other.cost < one.cost ? other : one))
  return { ...parametersAt(best.at), logLikelihood: -best.cost }
}

function parametersAt(at: Float64Array): BgNbd {
  const [r = 1, alpha = 1, a = 1, b = 1] = at.map(Math.exp)
  return { r, alpha, a, b }
}

/** Chance that a customer has not left, given the past. */
export function chanceAlive({ r, alpha, a, b }: BgNbd, frequency: number, recency: number, age: number): number {
  if (frequency === 0) return 1
  const odds = (a / (b + frequency - 1)) * ((alpha + age) / (alpha + recency)) ** (r + frequency)
  return 1 / (1 + odds)
}

/** Chance of no purchase in the next `horizon`: having left, or alive and silent for so long. */
export function chanceSilent(model: BgNbd, frequency: number, recency: number, age: number, horizon: number): number {
  const { r, alpha } = model
  // The rate of one who is alive is gamma(r + frequency, alpha + age); this is its Laplace transform at the horizon.
  const silent = ((alpha + age) / (alpha + age + horizon)) ** (r + frequency)
  return 1 - chanceAlive(model, frequency, recency, age) * (1 - silent)
}

const MOST_STEPS = 2000
const SETTLED = 1e-9

/** Nelder and Mead's simplex (1965) with its usual coefficients 1, 2, 1/2, 1/2. */
function descend(cost: (at: Float64Array) => number, start: Float64Array): { at: Float64Array; cost: number } {
  const corner = (at: Float64Array): { at: Float64Array; cost: number } => ({ at, cost: cost(at) })
  const simplex = [corner(start)]
  for (let j = 0; j < start.length; j++) simplex.push(corner(start.map((x, k) => (k === j ? x + 0.5 : x))))
  for (let step = 0; step < MOST_STEPS; step++) {
    simplex.sort((one, other) => one.cost - other.cost)
    const best = simplex[0] ?? corner(start)
    const worst = simplex.at(-1) ?? best
    const second = simplex.at(-2) ?? best
    if (worst.cost - best.cost < SETTLED * (1 + Math.abs(best.cost))) break
    const others = simplex.slice(0, -1)
    const middle = start.map((_, j) => others.reduce((sum, { at }) => sum + (at[j] ?? 0), 0) / others.length)
    const along = (t: number): ReturnType<typeof corner> =>
      corner(middle.map((m, j) => m + t * (m - (worst.at[j] ?? 0))))
    const reflected = along(1)
    let next = reflected
    if (reflected.cost < best.cost) {
      const expanded = along(2)
      if (expanded.cost < reflected.cost) next = expanded
    } else if (reflected.cost >= second.cost) {
      next = along(reflected.cost < worst.cost ? 0.5 : -0.5)
    }
    if (next.cost < worst.cost) simplex[simplex.length - 1] = next
    else
      for (let k = 1; k < simplex.length; k++) {
        simplex[k] = corner((simplex[k] ?? best).at.map((x, j) => ((best.at[j] ?? 0) + x) / 2))
      }
  }
  return simplex.reduce((one, other) => (other.cost < one.cost ? other : one))
}

/** Lanczos' approximation, g = 7, nine terms (Godfrey 2001): error below 1e-13 for positive x. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const

export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  let sum: number = LANCZOS[0]
  for (let k = 1; k < LANCZOS.length; k++) sum += (LANCZOS[k] ?? 0) / (x - 1 + k)
  const t = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}
