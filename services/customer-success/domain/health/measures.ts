/** Numbers of an account that are compared with those of its segment. Undefined = it has none. */

import { type AccountSnapshot, HISTORY_DAYS } from '../snapshot.ts'

export const MEASURES = {
  activeDays: ({ activity }: AccountSnapshot): number => {
    let days = 0
    for (let i = HISTORY_DAYS - 28; i < HISTORY_DAYS; i++) if ((activity.users[i] ?? 0) > 0) days++
    return days
  },
  coreBreadth: (snapshot: AccountSnapshot): number | undefined => coreFeatures(snapshot)?.breadth,
  depth: (snapshot: AccountSnapshot): number | undefined => {
    const { users28 } = snapshot.activity
    const uses = coreFeatures(snapshot)?.uses28
    return uses === undefined || users28 === 0 ? undefined : uses / users28
  },
} as const satisfies Readonly<Record<string, (snapshot: AccountSnapshot) => number | undefined>>

export type Measure = keyof typeof MEASURES

/**
 * Core features the plan includes, and those of them in use: within 56 days, so that what is rare still counts and a fall
 * of usage that has just begun is not read as features given up.
 */
export function coreFeatures({ features }: AccountSnapshot) {
  const core = features.filter(({ isCore, isEntitled }) => isCore && isEntitled)
  if (core.length === 0) return undefined
  const used = core.filter(({ uses28, uses28Before }) => uses28 + uses28Before > 0).length
  const uses28 = core.reduce((sum, feature) => sum + feature.uses28, 0)
  return { used, entitled: core.length, breadth: used / core.length, uses28 }
}
