/**
 * How surprising one point is, for people and tools that want a score for every point rather than verdicts.
 *
 * Four views of a point are each turned into -ln(tail probability) against everything the series has shown so far: its
 * distance from this hour's daily level, the same averaged over 12 windows, the mean of 12 windows against the level of
 * the last few hours, and the distance from the slow level. Their sum is then read as a return period: how many windows
 * ago was anything nearly as surprising? A series that surprises every hour therefore scores low, and the echo of an
 * anomaly scores less than the anomaly.
 */

const VIEWS = 4
const BUCKETS = 64
/** Four buckets an octave: a surprise is known to +-9 %, over 16 octaves. */
const PER_OCTAVE = 4
const TAIL_SHARE = 0.05
/** Beyond this many mean excesses a tail estimate says nothing more. */
const MAX_EXCESS = 6
const MEAN = 12
const WARM_UP = 50
const RECORDS = 24
/** "Nearly as surprising": within a tenth. */
const NEARLY = 1.1
const SURPRISE_WEIGHT = 0.2
const FULL_SCALE = 18

export type Anomaly = {
  seen: number
  /** Slow level and its spread; the same for means of 12 windows, with a shorter memory. */
  slow: number
  slowSpread: number
  near: number
  nearSpread: number
  hours: Float32Array
  hoursSeen: Uint16Array
  values: Float32Array
  deviations: Float32Array
  valueSum: number
  deviationSum: number
  /** Counts of |view| per logarithmic bucket, the bucket number of the first and the total, per view. */
  counts: Uint16Array
  first: Int16Array
  totals: Float32Array
  /** Where the tail of each view begins and its mean excess. */
  threshold: Float32Array
  excess: Float32Array
  /** -ln of its share. */
  rarity: Float32Array
  /** Falling staircase of past surprises: each is larger than all that came after it. */
  records: Float32Array
  recordAt: Float32Array
  recordCount: number
  score: number
}

export function createAnomaly(): Anomaly {
  return {
    seen: 0,
    slow: 0,
    slowSpread: 0,
    near: 0,
    nearSpread: 0,
    hours: new Float32Array(24),
    hoursSeen: new Uint16Array(24),
    values: new Float32Array(MEAN),
    deviations: new Float32Array(MEAN),
    valueSum: 0,
    deviationSum: 0,
    counts: new Uint16Array(VIEWS * BUCKETS),
    first: new Int16Array(VIEWS).fill(-32768),
    totals: new Float32Array(VIEWS),
    threshold: new Float32Array(VIEWS),
    excess: new Float32Array(VIEWS),
    rarity: new Float32Array(VIEWS),
    records: new Float32Array(RECORDS),
    recordAt: new Float32Array(RECORDS),
    recordCount: 0,
    score: 0,
  }
}

const SLOW_MEMORY = 1000
const NEAR_MEMORY = 180

/** Feeds one window and updates `score` (0..1). */
export function feedAnomaly(a: Anomaly, at: number, y: number, interval: number): void {
  const perHour = interval > 0 ? Math.max(1, Math.round(3600 / interval)) : 12
  const hour = Math.floor((at % 86_400) / 3600)
  if (a.seen === 0) {
    a.slow = y
    a.near = y
  }
  const known = a.hoursSeen[hour] ?? 0
  const daily = known > perHour / 2 ? y - (a.hours[hour] ?? 0) : 0
  a.hoursSeen[hour] = Math.min(4 * perHour, known + 1, 60_000)
  a.hours[hour] = (a.hours[hour] ?? 0) + (y - (a.hours[hour] ?? 0)) / (a.hoursSeen[hour] ?? 1)

  const slot = a.seen % MEAN
  a.valueSum += y - (a.values[slot] ?? 0)
  a.deviationSum += daily - (a.deviations[slot] ?? 0)
  a.values[slot] = y
  a.deviations[slot] = daily
  a.seen++
  if (slot === MEAN - 1) resum(a)
  const filled = Math.min(MEAN, a.seen)
  const mean = a.valueSum / filled

  const fromSlow = y - a.slow
  const fromNear = mean - a.near
  const slowGain = 1 / Math.min(a.seen, SLOW_MEMORY)
  a.slowSpread += (Math.abs(fromSlow) - a.slowSpread) * Math.max(slowGain, 0.002)
  a.slow += Math.max(-3 * a.slowSpread, Math.min(3 * a.slowSpread, fromSlow)) * slowGain
  const nearGain = 1 / Math.min(a.seen, NEAR_MEMORY)
  a.nearSpread += (Math.abs(fromNear) - a.nearSpread) * Math.max(nearGain, 0.002)
  a.near += Math.max(-3 * a.nearSpread, Math.min(3 * a.nearSpread, fromNear)) * nearGain

  const surprise = view(a, 0, daily) + view(a, 1, a.deviationSum / filled) + view(a, 2, fromNear) + view(a, 3, fromSlow)
  if (a.seen <= WARM_UP) {
    a.score = 0
    return
  }
  const windows = a.seen - returning(a, surprise)
  a.score = Math.min(1, (Math.log(Math.max(1, windows)) + SURPRISE_WEIGHT * surprise) / FULL_SCALE)
}

/** Running sums drift by rounding; once a round they are taken afresh. */
function resum(a: Anomaly): void {
  a.valueSum = 0
  a.deviationSum = 0
  for (let i = 0; i < MEAN; i++) {
    a.valueSum += a.values[i] ?? 0
    a.deviationSum += a.deviations[i] ?? 0
  }
}

/** -ln of the share of past |values| beyond this one, with an exponential tail; then counts it in. */
function view(a: Anomaly, v: number, signed: number): number {
  const value = Math.abs(signed)
  const base = v * BUCKETS
  const bucket = value > 1e-30 ? Math.floor(Math.log2(value) * PER_OCTAVE) : -32_768
  if (value > 1e-30) makeRoom(a, v, bucket)
  const first = a.first[v] ?? 0
  const at = Math.max(0, Math.min(BUCKETS - 1, bucket - first))
  const total = a.totals[v] ?? 0
  let surprise = 0
  if (total >= WARM_UP) {
    // The tail moves slowly: one window in four looks at it again.
    if (a.seen % 4 === 0 || total === WARM_UP) refreshTail(a, v)
    const threshold = a.threshold[v] ?? 0
    const rarity = a.rarity[v] ?? 0
    if (value > threshold) surprise = Math.min(MAX_EXCESS, (value - threshold) / (a.excess[v] ?? 1)) + rarity
    // In the body only the order matters: rising from 0 to where the tail begins.
    else surprise = threshold > 0 ? (rarity * value) / threshold : 0
  }
  const count = (a.counts[base + at] ?? 0) + 1
  a.counts[base + at] = count
  a.totals[v] = total + 1
  if (count >= 60_000) halve(a, v)
  return surprise
}

/** Finds the value that TAIL_SHARE of the past exceeds, and by how much on average. */
function refreshTail(a: Anomaly, v: number): void {
  const base = v * BUCKETS
  const { counts } = a
  const total = a.totals[v] ?? 0
  const want = Math.max(3, total * TAIL_SHARE)
  let above = 0
  let mass = 0
  let k = BUCKETS - 1
  for (; k > 0; k--) {
    const c = counts[base + k] ?? 0
    if (c === 0) continue
    if (above + c > want) break
    above += c
    mass += c * (MIDDLES[k] ?? 0)
  }
  const unit = edge(a.first[v] ?? 0)
  const high = EDGES[k + 1] ?? 1
  const low = EDGES[k] ?? 1
  const threshold = high - ((high - low) * (want - above)) / Math.max(1, counts[base + k] ?? 0)
  const excess = (mass + ((want - above) * (threshold + high)) / 2) / want - threshold
  a.threshold[v] = unit * threshold
  a.excess[v] = unit * Math.max(excess, 0.02 * threshold, 1)
  a.rarity[v] = Math.log((total + 1) / (want + 0.5))
}

/** Edges and middles of the buckets in units of the first one's lower edge. */
const EDGES = Float64Array.from({ length: BUCKETS + 1 }, (_, k) => 2 ** (k / PER_OCTAVE))
const MIDDLES = Float64Array.from({ length: BUCKETS }, (_, k) => 2 ** ((k + 0.5) / PER_OCTAVE))

/** Lower edge of a logarithmic bucket. */
function edge(bucket: number): number {
  return 2 ** (bucket / PER_OCTAVE)
}

/** The first value sits six octaves above the lowest bucket; larger ones later push the lowest together. */
function makeRoom(a: Anomaly, v: number, bucket: number): void {
  const first = a.first[v] ?? 0
  if (first === -32_768) {
    a.first[v] = bucket - 6 * PER_OCTAVE
    return
  }
  const over = bucket - first - (BUCKETS - 1)
  if (over <= 0) return
  const base = v * BUCKETS
  let low = 0
  for (let i = 0; i <= Math.min(over, BUCKETS - 1); i++) low += a.counts[base + i] ?? 0
  for (let i = 1; i < BUCKETS; i++) a.counts[base + i] = i + over < BUCKETS ? (a.counts[base + i + over] ?? 0) : 0
  a.counts[base] = Math.min(65_535, low)
  a.first[v] = first + over
}

function halve(a: Anomaly, v: number): void {
  let total = 0
  for (let i = v * BUCKETS; i < (v + 1) * BUCKETS; i++) {
    a.counts[i] = Math.ceil((a.counts[i] ?? 0) / 2)
    total += a.counts[i] ?? 0
  }
  a.totals[v] = total
}

/** Number of the last window that was nearly as surprising as this one (0: none), then records this one. */
function returning(a: Anomaly, surprise: number): number {
  const { records, recordAt } = a
  let low = 0
  let high = a.recordCount
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle] ?? 0) >= surprise / NEARLY) low = middle + 1
    else high = middle
  }
  const last = low > 0 ? (recordAt[low - 1] ?? 0) : 0
  let n = a.recordCount
  while (n > 0 && (records[n - 1] ?? 0) <= surprise) n--
  if (n === RECORDS) {
    // Full: forget the youngest but one of the small ones, the large ones are what matters.
    n--
  }
  records[n] = surprise
  recordAt[n] = a.seen
  a.recordCount = n + 1
  return last
}
