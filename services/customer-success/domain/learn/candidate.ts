/**
 * A model that may replace the one in use, fitted to an installation's own accounts: it knows only what was known when
 * the newest slice of time began, and is used only if that slice says so. What was tested is what scores; it is not fitted again on the slice.
 */

import { fateOf, LEAD_DAYS, WINDOW_DAYS } from '../health/backtest.ts'
import { type Evidence, evidenceOf, LEAST_CHURNERS } from './evidence.ts'
import { FEATURE_DIRECTIONS, FEATURE_NAMES, RULE } from './features.ts'
import { type ChurnModel, churnersOf, type ModelOptions, probabilities, trainChurnModel } from './model.ts'
import { type Promotion, promote } from './promote.ts'
import { type Example, placesWhere, type Rows, rowsOf, takeRows } from './rows.ts'

/** What was known of accounts at the end of a day: a row of features an account, one after the other. */
export type KeptDay = {
  readonly day: number
  /** Of the features there were then. */
  readonly names: readonly string[]
  readonly accountIds: readonly string[]
  readonly values: Float64Array
}

export type History = {
  readonly days: readonly KeptDay[]
  /** Of accounts that have left, the day. */
  readonly cancelledOn: ReadonlyMap<string, number>
}

/** Rows of days whose window has ended by `today`: who left in it is known. */
export function labelledRows({ days, cancelledOn }: History, today: number): Rows {
  const examples = days.flatMap(({ day, names, accountIds, values }) =>
    accountIds.flatMap((entity, i): Example[] => {
      const churned = fateOf(day, cancelledOn.get(entity), today)
      if (churned === undefined) return []
      const own = values.subarray(i * names.length, (i + 1) * names.length)
      return [{ entity, day, features: inOrder(own, names, FEATURE_NAMES), churned }]
    }),
  )
  return rowsOf(FEATURE_NAMES, examples, FEATURE_DIRECTIONS)
}

/** Values by `names`, in the order of the names wanted; NaN for one that there was not then. */
export const inOrder = (values: ArrayLike<number>, names: readonly string[], wanted: readonly string[]): Float64Array =>
  Float64Array.from(wanted, (name) => values[names.indexOf(name)] ?? Number.NaN)

const NEWEST_SHARE = 0.25

export type Slices = { readonly older: Rows; readonly newest: Rows }

/**
 * The newest quarter of the days, and those whose window had ended when it began: what happened in between is on neither
 * side, because whoever fitted a model on the first of those days could not have known it.
 */
export function slicesOf(rows: Rows): Slices {
  const days = [...new Set(rows.day)].sort((a, b) => a - b)
  const begin = days[Math.floor(days.length * (1 - NEWEST_SHARE))] ?? Number.POSITIVE_INFINITY
  const of = (picks: (day: number) => boolean): Rows =>
    takeRows(
      rows,
      placesWhere(rows, (_, day) => picks(day)),
    )
  return { older: of((day) => day + LEAD_DAYS + WINDOW_DAYS < begin), newest: of((day) => day >= begin) }
}

export type Backtest = Omit<Evidence, 'verdict' | 'reasons'> & {
  readonly fromDay: number
  readonly toDay: number
  /** Beside the model that was in use; undefined when none was. */
  readonly gains: Pick<Promotion, 'aucGain' | 'brierGain'> | undefined
}

/** A fit with what its test came to. */
export type Candidate = {
  readonly isPromoted: boolean
  readonly reasons: readonly string[]
  /** Undefined when there was too little to fit. */
  readonly model: ChurnModel | undefined
  readonly backtest: Backtest | undefined
}

/** Fits to the older slice of the rows and tests on the newest, beside the rule and the `incumbent`. */
export function fitCandidate(
  rows: Rows,
  incumbent: ChurnModel | undefined,
  options: Partial<ModelOptions> = {},
): Candidate {
  const { older, newest } = slicesOf(rows)
  const churners = churnersOf(older)
  if (churners < LEAST_CHURNERS) {
    const reasons = [`${churners} accounts have left in the days to learn from, fewer than ${LEAST_CHURNERS}`]
    return { isPromoted: false, reasons, model: undefined, backtest: undefined }
  }
  const model = trainChurnModel(older, options)
  const { verdict, reasons, ...figures } = evidenceOf({
    probabilities: probabilities(model, newest),
    // What the rule does not know it does not call a risk.
    rule: Float64Array.from(newest.columns[FEATURE_NAMES.indexOf(RULE.feature)] ?? [], (x) =>
      Number.isNaN(x) ? Number.NEGATIVE_INFINITY : RULE.sign * x,
    ),
    churned: newest.churned,
    entity: newest.entity,
  })
  const promotion = promote(incumbent, model, newest)
  const isPromoted = verdict === 'shown' && promotion.isPromoted
  return {
    isPromoted,
    reasons: isPromoted ? promotion.reasons : [...reasons, ...(promotion.isPromoted ? [] : promotion.reasons)],
    model,
    backtest: {
      ...figures,
      fromDay: newest.day.reduce((least, day) => Math.min(least, day), Number.POSITIVE_INFINITY),
      toDay: newest.day.reduce((most, day) => Math.max(most, day), Number.NEGATIVE_INFINITY),
      gains: incumbent && { aucGain: promotion.aucGain, brierGain: promotion.brierGain },
    },
  }
}
