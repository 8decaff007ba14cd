/** How a book of accounts stands, and who moved between bands: two pictures of the same bands do not tell. */

import { type Band, bandOf } from './score.ts'

/** An account's score at the end of a day. */
export type Standing = {
  readonly accountId: string
  readonly score: number | undefined
  /** Monthly revenue in the currency's minor unit. */
  readonly mrrMinor: number
  readonly currency: string
}

/** `new` had no score before; `left` has none any more. */
export type Place = Band | 'new' | 'left'

export const PLACES: readonly Place[] = ['new', 'healthy', 'at_risk', 'churn_risk', 'unknown', 'left']

/** Accounts and their revenue by currency, largest first. Revenue of those who left is what it was. */
export type Weight = {
  readonly accounts: number
  readonly mrr: readonly { readonly currency: string; readonly minor: number }[]
}

export type Movement = Weight & { readonly from: Place; readonly to: Place }

/** Accounts by band, each band once. */
export function bandsOf(standings: readonly Standing[]): Map<Band, Weight> {
  const by = Map.groupBy(standings, ({ score }) => bandOf(score))
  const bands: readonly Band[] = ['healthy', 'at_risk', 'churn_risk', 'unknown']
  return new Map(bands.map((band) => [band, weightOf(by.get(band) ?? [])]))
}

/** From where to where accounts moved, or stayed; what nobody did is left out. In the order of places. */
export function movementsOf(before: readonly Standing[], after: readonly Standing[]): Movement[] {
  const was = new Map(before.map((standing) => [standing.accountId, standing]))
  const is = new Map(after.map((standing) => [standing.accountId, standing]))
  const moved = [...is.values(), ...before.filter(({ accountId }) => !is.has(accountId))].map((standing) => ({
    standing,
    from: placeOf(was.get(standing.accountId), 'new'),
    to: placeOf(is.get(standing.accountId), 'left'),
  }))
  return PLACES.flatMap((from) =>
    PLACES.flatMap((to) => {
      const own = moved.filter((move) => move.from === from && move.to === to)
      return own.length === 0 ? [] : [{ from, to, ...weightOf(own.map(({ standing }) => standing)) }]
    }),
  )
}

const placeOf = (standing: Standing | undefined, otherwise: Place): Place =>
  standing === undefined ? otherwise : bandOf(standing.score)

function weightOf(standings: readonly Standing[]): Weight {
  const sums = new Map<string, number>()
  for (const { currency, mrrMinor } of standings) {
    if (mrrMinor > 0) sums.set(currency, (sums.get(currency) ?? 0) + mrrMinor)
  }
  const mrr = [...sums].map(([currency, minor]) => ({ currency, minor })).sort((a, b) => b.minor - a.minor)
  return { accounts: standings.length, mrr }
}
