/** Time until something happens, when for some it has not happened yet. */

export type Duration = {
  readonly days: number
  /** False: it had not happened after this many days, and no more is known. */
  readonly isObserved: boolean
}

export type SurvivalStep = {
  readonly days: number
  /** Still waiting just before. */
  readonly atRisk: number
  readonly happened: number
  /** Share for whom it has not happened after this many days. */
  readonly waiting: number
}

/** The product-limit estimate (E. L. Kaplan, P. Meier, JASA 53, 1958): a step for each day on which it happened. */
export function survivalOf(durations: readonly Duration[]): SurvivalStep[] {
  const byDay = Map.groupBy(durations, ({ days }) => days)
  const steps: SurvivalStep[] = []
  let [atRisk, waiting] = [durations.length, 1]
  for (const days of [...byDay.keys()].sort((a, b) => a - b)) {
    const group = byDay.get(days) ?? []
    const happened = group.filter(({ isObserved }) => isObserved).length
    if (happened > 0) {
      waiting *= 1 - happened / atRisk
      steps.push({ days, atRisk, happened, waiting })
    }
    atRisk -= group.length
  }
  return steps
}

/** The day by which it has happened for half of all; undefined when that has not been seen. */
export const medianOf = (steps: readonly SurvivalStep[]): number | undefined =>
  steps.find(({ waiting }) => waiting <= 0.5)?.days

/** Share for whom it has happened within so many days. */
export const happenedWithin = (steps: readonly SurvivalStep[], days: number): number =>
  1 - (steps.findLast((step) => step.days <= days)?.waiting ?? 1)
