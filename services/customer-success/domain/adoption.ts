/** Who uses a feature, of those who could: rate, depth, breadth. */

import type { AccountSnapshot } from './snapshot.ts'

export type AdoptionRules = {
  /** Uses in 28 days from which on an account counts as using a feature. */
  readonly leastUses: number
  /** Days a new account is given before it is eligible. */
  readonly rampDays: number
}

export type FeatureAdoption = {
  readonly feature: string
  readonly isCore: boolean
  /** Accounts whose plan has it and that are old enough. */
  readonly eligible: number
  readonly adopted: number
  /** adopted / eligible; undefined when nobody is eligible. */
  readonly rate: number | undefined
  /** Uses of the month per person who used it, over the accounts that adopted it. */
  readonly depth: number | undefined
}

/** By the name of the feature, whatever order accounts and their features come in. */
export function adoptionByFeature(snapshots: readonly AccountSnapshot[], rules: AdoptionRules): FeatureAdoption[] {
  const counts = new Map<string, { isCore: boolean; eligible: number; adopted: number; uses: number; users: number }>()
  for (const { features } of snapshots.filter((one) => isOldEnough(one, rules))) {
    for (const { feature, isCore, isEntitled, uses28, users28 } of features) {
      const count = counts.get(feature) ?? { isCore, eligible: 0, adopted: 0, uses: 0, users: 0 }
      counts.set(feature, count)
      if (!isEntitled) continue
      count.eligible++
      if (uses28 < rules.leastUses) continue
      count.adopted++
      count.uses += uses28
      count.users += users28
    }
  }
  const byName = [...counts].sort(([one], [other]) => (one < other ? -1 : 1))
  return byName.map(([feature, { isCore, eligible, adopted, uses, users }]) => ({
    feature,
    isCore,
    eligible,
    adopted,
    rate: eligible === 0 ? undefined : adopted / eligible,
    depth: users === 0 ? undefined : uses / users,
  }))
}

const isOldEnough = ({ day, startedDay }: AccountSnapshot, { rampDays }: AdoptionRules): boolean =>
  day - startedDay >= rampDays

/** Share of the core features an account is entitled to that it uses; undefined when it is entitled to none. */
export function breadthOf(
  { features }: Pick<AccountSnapshot, 'features'>,
  { leastUses }: AdoptionRules,
): number | undefined {
  const core = features.filter(({ isCore, isEntitled }) => isCore && isEntitled)
  return core.length === 0 ? undefined : core.filter(({ uses28 }) => uses28 >= leastUses).length / core.length
}
