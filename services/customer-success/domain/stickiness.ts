/** Three definitions of how often people who come come back; each named, because they are not the same number. */

/** Days of the month all of them are of: four whole weeks. */
const MONTH = 28

/** Active persons day by day, the last of which the figure is of. */
export type ActiveDays = {
  readonly active1: ArrayLike<number>
  readonly active7: ArrayLike<number>
  readonly active28: ArrayLike<number>
}

/**
 * Mean of the daily active of 28 days over the active of those 28: the share of the month an active person comes.
 * Averaged, because a single day's moves with its weekday. Undefined before there are 28 days, or when nobody is active.
 */
export function dauOverMau({ active1, active28 }: ActiveDays, index: number): number | undefined {
  return meanOver(
    active1,
    active28,
    index,
    Array.from({ length: MONTH }, (_, i) => index - i),
  )
}

/** Mean of the active of the four weeks of the month over the active of the month. */
export function wauOverMau({ active7, active28 }: ActiveDays, index: number): number | undefined {
  return meanOver(active7, active28, index, [index, index - 7, index - 14, index - 21])
}

function meanOver(
  values: ArrayLike<number>,
  months: ArrayLike<number>,
  index: number,
  places: readonly number[],
): number | undefined {
  const month = months[index] ?? 0
  if (index < MONTH - 1 || month === 0) return undefined
  return places.reduce((sum, place) => sum + (values[place] ?? 0), 0) / places.length / month
}
