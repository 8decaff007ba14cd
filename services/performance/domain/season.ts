/**
 * Seasonal profile: what this hour of the day, and this hour of the week, usually do to a series. Levels are robust
 * exponentially weighted means per hour; between the middles of two hours the profile is interpolated. It is subtracted
 * only while it earns its place: while forecasts with it have clearly smaller absolute errors than forecasts without.
 * Weekly slots cover the Monday after a quiet weekend; daily slots serve until the weekly ones have been seen.
 */

const HOUR = 3600
const DAY = 24
const WEEK = 168
/** A profile must cut the error to this share before it is used, and is dropped again only above the second. */
const EARNS = 0.93
const LOSES = 1
/** Gain of the error averages: remembers the last 100 hours or so. */
const ERROR_GAIN = 0.01
const OFFSET_GAIN = 0.02

export type Season = {
  daily: Float32Array
  dailySeen: Uint8Array
  weekly: Float32Array
  weeklySeen: Uint8Array
  /** Hour (since the epoch) that is being averaged, its sum and its count. */
  hour: number
  sum: number
  count: number
  /** Slow levels of the series without profile, with the daily and with the weekly one, and their mean absolute errors. */
  level: Float32Array
  error: Float32Array
  hours: number
  recent: Float32Array
  recentHour: Float64Array
  /** 0 none, 1 daily, 2 weekly */
  used: number
}

export function createSeason(): Season {
  return {
    daily: new Float32Array(DAY),
    dailySeen: new Uint8Array(DAY),
    weekly: new Float32Array(WEEK),
    weeklySeen: new Uint8Array(WEEK),
    hour: -1,
    sum: 0,
    count: 0,
    level: new Float32Array(3),
    error: new Float32Array(3),
    hours: 0,
    recent: new Float32Array(DAY),
    recentHour: new Float64Array(DAY),
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
  // Half an hour back, so that slot k is hit exactly in the middle of its hour.
  const position = (((at / HOUR - 0.5) % slots.length) + slots.length) % slots.length
  const low = Math.floor(position)
  const a = slots[low] ?? 0
  const b = slots[(low + 1) % slots.length] ?? 0
  return a + (b - a) * (position - low)
}

/** Takes in an accepted number. True when the profile in use changed, so that whatever was built on the old one is stale. */
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

function closeHour(season: Season): boolean {
  const y = season.sum / season.count
  const { level, error } = season
  const d = season.hour % DAY
  const w = season.hour % WEEK
  if (season.hours === 0) level.fill(y)
  season.recent[season.hours % DAY] = y
  season.recentHour[season.hours % DAY] = season.hour
  season.hours++
  const errors = season.hours
  const candidates = [
    0,
    (season.dailySeen[d] ?? 0) > 0 ? (season.daily[d] ?? 0) : Number.NaN,
    (season.weeklySeen[w] ?? 0) > 0 ? (season.weekly[w] ?? 0) : Number.NaN,
  ]
  const gain = Math.max(OFFSET_GAIN, 1 / errors)
  const errorGain = Math.max(ERROR_GAIN, 1 / errors)
  const scale = Math.max(1e-9, error[0] ?? 0)
  for (let i = 0; i < 3; i++) {
    const part = candidates[i] ?? Number.NaN
    // A slot that was never seen forecasts what the plain level would.
    const miss = Number.isNaN(part) ? y - (level[0] ?? 0) : y - part - (level[i] ?? 0)
    const clipped = Math.max(-4 * scale, Math.min(4 * scale, miss))
    error[i] = (error[i] ?? 0) + errorGain * (Math.abs(season.hours < 12 ? miss : clipped) - (error[i] ?? 0))
    if (!Number.isNaN(part)) level[i] = (level[i] ?? 0) + gain * (season.hours < 12 ? miss : clipped)
    else if (i > 0) level[i] = level[0] ?? 0
  }
  // Slots hold the deviation from the slow plain level.
  const deviation = y - (level[0] ?? 0)
  update(season.daily, season.dailySeen, d, deviation, scale)
  update(season.weekly, season.weeklySeen, w, deviation, scale)
  const before = season.used
  const plain = error[0] ?? 0
  const daily = season.hours >= 3 * DAY ? (error[1] ?? 0) : Infinity
  const weekly = season.hours >= 2 * WEEK ? (error[2] ?? 0) : Infinity
  const best = weekly < EARNS * daily ? 2 : 1
  const bestError = Math.min(daily, weekly)
  if (before === 0) season.used = bestError < EARNS * plain ? best : 0
  else season.used = bestError < LOSES * plain ? (before === 2 && weekly < daily ? 2 : best) : 0
  return season.used !== before
}

function update(slots: Float32Array, seen: Uint8Array, slot: number, deviation: number, scale: number): void {
  const k = seen[slot] ?? 0
  const old = slots[slot] ?? 0
  if (k === 0) slots[slot] = deviation
  else slots[slot] = old + Math.max(-2 * scale, Math.min(2 * scale, deviation - old)) / Math.min(8, 1 + k)
  if (k < 255) seen[slot] = k + 1
}
