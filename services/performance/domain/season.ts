/**
 * Seasonal profile: what this hour of the day, and this hour of the week, usually do to a series. Levels are robust
 * exponentially weighted means per hour; between the middles of two hours the profile is interpolated. It is subtracted
 * only while it earns its place, i.e. while forecasts with it have clearly smaller absolute errors than without. Weekly
 * slots cover the Monday after a quiet weekend; daily slots serve until the weekly ones have proved better.
 */

const HOUR = 3600
const DAY = 24
const WEEK = 168
/** A profile must cut the error to this share before it is used, and is dropped again when it no longer cuts it at all. */
const EARNS = 0.93
/** The error averages remember about the last 100 hours, the levels about the last 50. */
const ERROR_GAIN = 0.01
const LEVEL_GAIN = 0.02

export type Season = {
  /** Daily slots, weekly slots, and the means of the last 48 hours that had data: at DAILY, WEEKLY and RECENT. */
  means: Float32Array
  /** How often each daily and weekly slot was seen: at DAILY and WEEKLY. */
  seen: Uint8Array
  /** Which hours (since the epoch) the means at RECENT are of. */
  recentHour: Uint32Array
  /** Hour that is being averaged, its sum and its count. */
  hour: number
  sum: number
  count: number
  /** Slow level without profile, with the daily and with the weekly one, then their mean absolute errors. */
  levels: Float32Array
  hours: number
  /** 0 none, 1 daily, 2 weekly */
  used: number
}

const DAILY = 0
const WEEKLY = DAY
const RECENT = DAY + WEEK
/** A change of up to a day is compared with the whole day before it. */
const RECENT_HOURS = 2 * DAY
const PROFILES = 3

export function createSeason(): Season {
  // One buffer under all four: views are cheaper than arrays with a buffer each.
  const means = 4 * (RECENT + RECENT_HOURS)
  const levels = means + 4 * RECENT_HOURS
  const seen = levels + 4 * 2 * PROFILES
  const numbers = new ArrayBuffer(seen + RECENT)
  return {
    means: new Float32Array(numbers, 0, RECENT + RECENT_HOURS),
    seen: new Uint8Array(numbers, seen, RECENT),
    recentHour: new Uint32Array(numbers, means, RECENT_HOURS),
    hour: -1,
    sum: 0,
    count: 0,
    levels: new Float32Array(numbers, levels, 2 * PROFILES),
    hours: 0,
    used: 0,
  }
}

/** What the profile in use adds at this time; 0 while none is used. */
export function seasonalPart(season: Season, at: number): number {
  return season.used === 0 ? 0 : profilePart(season, season.used, at)
}

/** What the daily (1) or the weekly (2) profile would add at this time. */
export function profilePart(season: Season, profile: number, at: number): number {
  const { means } = season
  const first = profile === 1 ? DAILY : WEEKLY
  const n = profile === 1 ? DAY : WEEK
  // Half an hour back, so that a slot is hit exactly in the middle of its hour.
  const position = (at / HOUR - 0.5) % n
  const low = Math.floor(position)
  const a = means[first + low] ?? 0
  const b = means[first + (low + 1 === n ? 0 : low + 1)] ?? 0
  return a + (b - a) * (position - low)
}

/** Takes in a window. True when the profile in use changed, so that whatever was built on the old one is stale. */
export function learnSeason(season: Season, at: number, y: number): boolean {
  const hour = Math.floor(at / HOUR)
  let changed = false
  if (hour !== season.hour) {
    if (season.count > 0) changed = closeHour(season)
    season.hour = hour
    season.sum = 0
    season.count = 0
  }
  season.sum += y
  season.count++
  return changed
}

/**
 * Highest (direction 1) or lowest (-1) hourly mean of the day before a time, without its seasonal part, as a signed
 * number. Hours that reach beyond that time do not count: a change must not widen the range it is compared with.
 */
export function extremeOfDayBefore(season: Season, before: number, direction: number): number {
  const n = Math.min(RECENT_HOURS, season.hours)
  let extreme = -Infinity
  for (let i = 0; i < n; i++) {
    const start = (season.recentHour[i] ?? 0) * HOUR
    if (start + HOUR > before || start < before - (DAY + 0.5) * HOUR) continue
    const y = (season.means[RECENT + i] ?? 0) - seasonalPart(season, start + HOUR / 2)
    extreme = Math.max(extreme, direction * y)
  }
  return extreme
}

function closeHour(season: Season): boolean {
  const y = season.sum / season.count
  const { levels, means, seen } = season
  const d = DAILY + (season.hour % DAY)
  const w = WEEKLY + (season.hour % WEEK)
  if (season.hours === 0) levels.fill(y, 0, PROFILES)
  means[RECENT + (season.hours % RECENT_HOURS)] = y
  season.recentHour[season.hours % RECENT_HOURS] = season.hour
  season.hours++
  const levelGain = Math.max(LEVEL_GAIN, 1 / season.hours)
  const errorGain = Math.max(ERROR_GAIN, 1 / season.hours)
  const spread = Math.max(1e-9, levels[PROFILES] ?? 0)
  const reach = season.hours < 12 ? Infinity : 4 * spread
  const plainLevel = levels[0] ?? 0
  for (let profile = 0; profile < 3; profile++) {
    const slot = profile === 1 ? d : w
    const known = profile === 0 || (seen[slot] ?? 0) > 0
    const part = profile === 0 ? 0 : (means[slot] ?? 0)
    const level = levels[profile] ?? 0
    const error = levels[PROFILES + profile] ?? 0
    // A slot that was never seen forecasts what the plain level does.
    const miss = known ? y - part - level : y - plainLevel
    const clipped = Math.max(-reach, Math.min(reach, miss))
    levels[PROFILES + profile] = error + errorGain * (Math.abs(clipped) - error)
    levels[profile] = known ? level + levelGain * clipped : (levels[0] ?? 0)
  }
  // Slots hold the deviation from the slow level.
  const deviation = y - (levels[0] ?? 0)
  update(season, d, deviation, spread)
  update(season, w, deviation, spread)
  return choose(season)
}

function choose(season: Season): boolean {
  const before = season.used
  const plain = season.levels[PROFILES] ?? 0
  const daily = season.hours >= 3 * DAY ? (season.levels[PROFILES + 1] ?? 0) : Infinity
  const weekly = season.hours >= 2 * WEEK ? (season.levels[PROFILES + 2] ?? 0) : Infinity
  const best = weekly < EARNS * daily ? 2 : 1
  const needed = before === 0 ? EARNS * plain : plain
  if (Math.min(daily, weekly) >= needed) season.used = 0
  else season.used = before === 2 && weekly < daily ? 2 : best
  return season.used !== before
}

function update(season: Season, slot: number, deviation: number, spread: number): void {
  const { means, seen } = season
  const k = seen[slot] ?? 0
  const old = means[slot] ?? 0
  if (k === 0) means[slot] = deviation
  else means[slot] = old + Math.max(-2 * spread, Math.min(2 * spread, deviation - old)) / Math.min(8, 1 + k)
  if (k < 255) seen[slot] = k + 1
}
