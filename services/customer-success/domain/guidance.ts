/** What a person is shown in the product, at most three things, each with its reason. */

import { type Interval, newcombe, type Proportion, rateOf } from './effect/proportions.ts'
import type { AccountSnapshot, FeatureUse } from './snapshot.ts'

/** An item of the catalogue. */
export type GuidanceItem = {
  readonly kind: 'checklist' | 'lesson' | 'story'
  readonly title: string
  readonly text: string
  readonly url?: string
  /** What it is about: a checklist's step is done, and a lesson learned, once it is used. */
  readonly feature: string
  /** Whom it is for; everybody when left out. */
  readonly segments?: readonly string[]
  readonly plans?: readonly string[]
  /** Share of accounts that are never shown it. */
  readonly holdoutShare: number
}

export type CatalogueItem = GuidanceItem & { readonly id: string }

/** What a playbook has for the person. */
export type GuidanceMessage = { readonly id: string; readonly title: string; readonly text: string }

export type Guidance = {
  readonly id: string
  readonly kind: GuidanceItem['kind'] | 'message'
  readonly title: string
  readonly text: string
  readonly url: string
  readonly reason: string
}

export const MOST_AT_ONCE = 3
/** While a checklist is shown. */
const ONBOARDING_DAYS = 30

export type Lift = {
  readonly feature: string
  readonly lift: number
  /** Lower bound of the lift's interval: what is recommended by, so that few lucky accounts recommend nothing. */
  readonly low: number
  readonly accounts: number
}

/**
 * Messages of playbooks first, then the open steps of the checklist while the account is young, then the lesson of the
 * unused feature whose users stay the most surely, then stories of what the account does not use yet.
 */
export function guidanceFor(
  snapshot: AccountSnapshot,
  {
    messages,
    catalogue,
    lifts,
    isShown,
  }: {
    readonly messages: readonly GuidanceMessage[]
    readonly catalogue: readonly CatalogueItem[]
    readonly lifts: readonly Lift[]
    /** Whether the account is in an item's shown part. */
    readonly isShown: (item: CatalogueItem) => boolean
  },
): Guidance[] {
  const unused = new Map(
    snapshot.features.filter(({ isEntitled, uses28 }) => isEntitled && uses28 === 0).map((use) => [use.feature, use]),
  )
  const about = catalogue.filter((item) => unused.has(item.feature) && isFor(item, snapshot) && isShown(item))
  const ageDays = snapshot.day - snapshot.startedDay
  const checklist = ageDays <= ONBOARDING_DAYS ? about.filter(({ kind }) => kind === 'checklist') : []
  const liftOf = new Map(lifts.filter(({ low }) => low > 0).map((lift) => [lift.feature, lift]))
  const lessons = about
    .filter(({ kind, feature }) => kind === 'lesson' && liftOf.has(feature))
    .sort((a, b) => (liftOf.get(b.feature)?.low ?? 0) - (liftOf.get(a.feature)?.low ?? 0))
  const stories = about.filter(({ kind }) => kind === 'story')
  return [
    ...messages.map(({ id, title, text }) => ({
      ...{ id, kind: 'message' as const, title, text, url: '', reason: 'a message of your customer success team' },
    })),
    ...checklist.map((item) => shown(item, `not done yet, day ${ageDays} of the account`)),
    ...lessons.map((item) => shown(item, reasonOf(liftOf.get(item.feature)))),
    ...stories.map((item) => shown(item, `accounts of ${snapshot.segment || 'your kind'} use ${item.feature}`)),
  ].slice(0, MOST_AT_ONCE)
}

const isFor = ({ segments, plans }: GuidanceItem, { segment, plan }: AccountSnapshot): boolean =>
  (segments?.includes(segment) ?? true) && (plans?.includes(plan) ?? true)

const shown = ({ id, kind, title, text, url = '' }: CatalogueItem, reason: string): Guidance => ({
  ...{ id, kind, title, text, url, reason },
})

function reasonOf(lift: Lift | undefined): string {
  const points = (100 * (lift?.lift ?? 0)).toFixed(0)
  return `accounts of your plan and age that use ${lift?.feature} stayed ${points} points more often (${lift?.accounts} accounts; an association)`
}

/** Ages alike, for comparing accounts with each other. */
export function ageBandOf(ageDays: number): string {
  if (ageDays < 30) return 'first month'
  return ageDays < 180 ? 'first half-year' : 'older'
}

/**
 * How much more often accounts that used a feature were still there later, among healthy accounts of one plan and age.
 * Compared are those that are entitled; it is an association.
 */
export function liftsOf(
  accounts: readonly { readonly features: readonly FeatureUse[]; readonly stayed: boolean }[],
): Lift[] {
  const counts = new Map<string, { users: MutableProportion; others: MutableProportion }>()
  for (const { features, stayed } of accounts) {
    for (const { feature, isEntitled, uses28 } of features) {
      if (!isEntitled) continue
      const count = counts.get(feature) ?? { users: { successes: 0, n: 0 }, others: { successes: 0, n: 0 } }
      const side = uses28 > 0 ? count.users : count.others
      side.n += 1
      side.successes += Number(stayed)
      counts.set(feature, count)
    }
  }
  return [...counts].map(([feature, { users, others }]) => {
    const interval: Interval = newcombe(others, users)
    return { feature, lift: rateOf(users) - rateOf(others), low: interval.low, accounts: users.n + others.n }
  })
}

type MutableProportion = { -readonly [K in keyof Proportion]: Proportion[K] }
