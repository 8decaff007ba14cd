/** How many of those who came first in one interval come back in each of the next. */

import { ANY, blockStart, type Cells, COHORT_BLOCKS, COHORT_WEEKS, series, valueAt, weekStart } from './usage-cells.ts'

export type Cohort = {
  /** First day of the interval. */
  readonly startDay: number
  readonly size: number
  /** Active 1, 2, ... intervals later, up to the last that has ended. */
  readonly retained: readonly number[]
}

const kinds = {
  week: { startOf: weekStart, seriesAfter: series.weeksAfter, most: COHORT_WEEKS },
  month: { startOf: blockStart, seriesAfter: series.blocksAfter, most: COHORT_BLOCKS },
} as const

/** Cohorts of the intervals numbered `first` to `last`, seen up to interval `seen`. */
export function cohortsOf(
  cells: Cells,
  kind: keyof typeof kinds,
  { first, last, seen }: { readonly first: number; readonly last: number; readonly seen: number },
): Cohort[] {
  const { startOf, seriesAfter, most } = kinds[kind]
  const count = (cohort: number, after: number): number =>
    valueAt(cells, ANY, seriesAfter(after), startOf(cohort + after))
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const cohort = first + i
    const followed = Math.max(0, Math.min(seen - cohort, most - 1))
    return {
      startDay: startOf(cohort),
      size: count(cohort, 0),
      retained: Array.from({ length: followed }, (__, after) => count(cohort, after + 1)),
    }
  })
}
