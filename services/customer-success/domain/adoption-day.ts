/** When an account came to use a feature: the day on which it first met the feature's definition of adopted. */

export type AdoptionDefinition = {
  /** Uses of the account's persons together that make it adopted, */
  readonly uses: number
  /** within so many successive days. */
  readonly windowDays: number
}

/** Index of the day, and the uses in the window that ends with it. */
export type AdoptedOn = { readonly index: number; readonly uses: number }

/**
 * The first day at whose end the window that ends with it holds enough uses.
 * @param counts uses day by day, from the first one on
 * @example adoptedOn([1, 0, 1, 1], { uses: 2, windowDays: 2 }) // { index: 3, uses: 2 }
 */
export function adoptedOn(counts: ArrayLike<number>, { uses, windowDays }: AdoptionDefinition): AdoptedOn | undefined {
  let inWindow = 0
  for (let index = 0; index < counts.length; index++) {
    inWindow += (counts[index] ?? 0) - (counts[index - windowDays] ?? 0)
    if (inWindow >= uses) return { index, uses: inWindow }
  }
  return undefined
}
