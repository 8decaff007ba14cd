/** What a person did where, told use by use; and what is left of a person when an account goes. */

import { accountAt, type DayList, type Person, type Use } from './usage-person.ts'

/** Uses by the account they belong to, of all accounts or one. */
export function* usesOf({ memberships, lists }: Person, account?: number): Generator<Use> {
  for (const { days, counts, ...list } of lists) {
    for (const [i, day] of days.entries()) {
      const place = list.account === 0 ? accountAt(memberships, day) : list.account
      if (account !== undefined && place !== account) continue
      yield { node: list.node, account: place, feature: list.feature, day, count: counts[i] ?? 0 }
    }
  }
}

/** The person had the account never been: what belongs to it goes, whether its events named the account or not. */
export function withoutAccount({ memberships, lists, ...person }: Person, account: number): Person {
  return {
    ...person,
    memberships: memberships.filter((membership) => membership.account !== account),
    lists: lists.flatMap((list) => {
      if (list.account === account) return []
      return list.account === 0 ? withoutDays(list, (day) => accountAt(memberships, day) === account) : [list]
    }),
  }
}

function withoutDays(list: DayList, isGone: (day: number) => boolean): DayList[] {
  const kept = list.days.flatMap((day, i) => (isGone(day) ? [] : [{ day, count: list.counts[i] ?? 0 }]))
  const first = isGone(list.first) ? kept[0]?.day : list.first
  if (first === undefined) return []
  return [{ ...list, first, days: kept.map(({ day }) => day), counts: kept.map(({ count }) => count) }]
}
