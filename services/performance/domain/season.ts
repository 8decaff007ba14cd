/**
 * Seasonal profile: what this hour of the week usually does. One slot per hour (168), a robust exponentially weighted
 * level each; it is used only while it earns its place, i.e. while forecasts with it are clearly better than without.
 */

const SLOTS = 168
const HOUR = 3600

export type Season = {
  /** Level of each hour of the week, in the scale of the scores (log ms, log rate, ...). */
  level: Float32Array
  /** Hours of that slot seen, up to 255. */
  seen: Uint8Array
  /** Running mean absolute errors of the last day or so, with and without the profile. */
  errorWith: number
  errorWithout: number
}

export function createSeason(): Season {
  return { level: new Float32Array(SLOTS), seen: new Uint8Array(SLOTS), errorWith: 0, errorWithout: 0 }
}

export function slotOf(at: number): number {
  return Math.floor(at / HOUR) % SLOTS
}
