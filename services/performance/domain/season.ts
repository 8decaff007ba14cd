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
  daily: Float32Array
  dailySeen: Uint8Array
  weekly: Float32Array
  weeklySeen: Uint8Array
  /** Means of the last 24 hours that had data, and which hours (since the epoch) they were. */
  recent: Float32Array
  recentHour: Uint32Array
  /** Hour that is being averaged, its sum and its count. */
  hour: number
  sum: number
  count: number
  /** Slow level without profile, with the daily and with the weekly one, and their mean absolute errors. */
  level: Float32Array
  error: Float32Array
  hours: number
  /** 0 none, 1 daily, 2 weekly */
  used: number
}

export function createSeason(): Season {
  return {
    daily: new Float32Array(DAY),
    dailySeen: new Uint8Array(DAY),
    weekly: new Float32Array(WEEK),
    weeklySeen: new Uint8Array(WEEK),
    recent: new Float32Array(DAY),
    recentHour: new Uint32Array(DAY),
    hour: -1,
    sum: 0,
    count: 0,
    level: new Float32Array(3),
    error: new Float32Array(3),
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
  const slots = profile === 1 ? season.daily : season.weekly
  const n = profile === 1 ? DAY : WEEK
  // Half an hour back, so that a slot is hit exactly in the middle of its hour.
  const position = (at / HOUR - 0.5) % n
  const low = Math.floor(position)
  const a = slots[low] ?? 0
  const b = slots[low + 1 === n ? 0 : low + 1] ?? 0
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

/** Highest (direction 1) or lowest (-1) hourly mean of the last day, without its seasonal part, as a signed number. */
export function extremeOfDay(season: Season, direction: number): number {
  const n = Math.min(DAY, season.hours)
  let extreme = -Infinity
  for (let i = 0; i < n; i++) {
    const middle = (season.recentHour[i] ?? 0) * HOUR + HOUR / 2
    extreme = Math.max(extreme, direction * ((season.recent[i] ?? 0) - seasonalPart(season, middle)))
  }
  return extreme
}

function closeHour(season: Season): boolean {
  const y = season.sum / season.count
  const { level, error } = season
  const d = season.hour % DAY
  const w = season.hour % WEEK
  if (season.hours === 0) level.fill(y)
  season.recent[season.hours % DAY] = y
  season.recentHour[season.hours % DAY] = season.hour
  season.hours++
  const levelGain = Math.max(LEVEL_GAIN, 1 / season.hours)
  const errorGain = Math.max(ERROR_GAIN, 1 / season.hours)
  const spread = Math.max(1e-9, error[0] ?? 0)
  const reach = season.hours < 12 ? Infinity : 4 * spread
  const plainLevel = level[0] ?? 0
  for (let profile = 0; profile < 3; profile++) {
    const seen = profile === 0 ? 1 : ((profile === 1 ? season.dailySeen[d] : season.weeklySeen[w]) ?? 0)
    const part = profile === 0 ? 0 : ((profile === 1 ? season.daily[d] : season.weekly[w]) ?? 0)
    // A slot that was never seen forecasts what the plain level does.
    const miss = seen > 0 ? y - part - (level[profile] ?? 0) : y - plainLevel
    const clipped = Math.max(-reach, Math.min(reach, miss))
    error[profile] = (error[profile] ?? 0) + errorGain * (Math.abs(clipped) - (error[profile] ?? 0))
    level[profile] = seen > 0 ? (level[profile] ?? 0) + levelGain * clipped : (level[0] ?? 0)
  }
  // Slots hold the deviation from the slow level.
  const deviation = y - (level[0] ?? 0)
  update(season.daily, season.dailySeen, d, deviation, spread)
  update(season.weekly, season.weeklySeen, w, deviation, spread)
  return choose(season)
}

function choose(season: Season): boolean {
  const before = season.used
  const plain = season.error[0] ?? 0
  const daily = season.hours >= 3 * DAY ? (season.error[1] ?? 0) : Infinity
  const weekly = season.hours >= 2 * WEEK ? (season.error[2] ?? 0) : Infinity
  const best = weekly < EARNS * daily ? 2 : 1
  const needed = before === 0 ? EARNS * plain : plain
  if (Math.min(daily, weekly) >= needed) season.used = 0
  else season.used = before === 2 && weekly < daily ? 2 : best
  return season.used !== before
}

function update(slots: Float32Array, seen: Uint8Array, slot: number, deviation: number, spread: number): void {
  const k = seen[slot] ?? 0
  const old = slots[slot] ?? 0
  if (k === 0) slots[slot] = deviation
  else slots[slot] = old + Math.max(-2 * spread, Math.min(2 * spread, deviation - old)) / Math.min(8, 1 + k)
  if (k < 255) seen[slot] = k + 1
}
