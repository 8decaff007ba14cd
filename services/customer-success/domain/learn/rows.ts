import type { Direction } from './boost.ts'

/** What a model is fitted on: one row an entity (account, user, customer) and day, kept by column. */
export type Rows = {
  readonly names: readonly string[]
  /** What is known beforehand of each feature's effect, see `BoostOptions`. */
  readonly directions: readonly Direction[]
  /** One array a name; NaN = not known. */
  readonly columns: readonly Float64Array[]
  /** 1 = churned in the window that begins after the lead. */
  readonly churned: Uint8Array
  /** Whose row it is: rows of one entity never stand on both sides of a split. */
  readonly entity: readonly string[]
  /** The last day its features know of. */
  readonly day: Int32Array
}

export type Example = {
  readonly entity: string
  readonly day: number
  readonly features: Float64Array
  readonly churned: boolean
}

export function rowsOf(
  names: readonly string[],
  examples: readonly Example[],
  directions: readonly Direction[] = names.map(() => 0),
): Rows {
  return {
    names,
    directions,
    columns: names.map((_, j) => Float64Array.from(examples, ({ features }) => features[j] ?? Number.NaN)),
    churned: Uint8Array.from(examples, ({ churned }) => (churned ? 1 : 0)),
    entity: examples.map(({ entity }) => entity),
    day: Int32Array.from(examples, ({ day }) => day),
  }
}

/** The rows at the given places, in that order. */
export function takeRows(rows: Rows, at: ArrayLike<number>): Rows {
  const places = Array.from(at)
  return {
    ...rows,
    columns: rows.columns.map((column) => Float64Array.from(places, (i) => column[i] ?? Number.NaN)),
    churned: Uint8Array.from(places, (i) => rows.churned[i] ?? 0),
    entity: places.map((i) => rows.entity[i] ?? ''),
    day: Int32Array.from(places, (i) => rows.day[i] ?? 0),
  }
}

/** Places of the rows that a condition on entity and day picks. */
export function placesWhere(rows: Rows, picks: (entity: string, day: number) => boolean): number[] {
  const places: number[] = []
  rows.entity.forEach((entity, i) => {
    if (picks(entity, rows.day[i] ?? 0)) places.push(i)
  })
  return places
}

/** Features of one row, in the order of the names. */
export function featuresAt(rows: Rows, i: number): Float64Array {
  return Float64Array.from(rows.columns, (column) => column[i] ?? Number.NaN)
}
