/** What a board says, as plain data: `render.ts` makes Grafana's JSON of it, the same way for every board. */
export type Board = {
  /** Stable: links and bookmarks hold it. */
  readonly uid: string
  readonly title: string
  readonly description: string
  /** The first row's title is the question the board answers at a glance. */
  readonly rows: readonly Row[]
}

export type Row = { readonly title: string; readonly panels: readonly Panel[] }

export type Panel = Stat | Graph | Table

type Common = {
  readonly title: string
  /** What is shown and what to make of it: somebody reads it at night. */
  readonly description: string
  /** Grafana's name of the unit, from the units of its SDK. */
  readonly unit: string
}

/** One number. It links to the graph of the same board that explains it. */
export type Stat = Common & {
  readonly kind: 'stat'
  readonly expr: string
  readonly explainedBy: string
  /** From this value on the number is orange: worth a look in working hours. */
  readonly lookFrom?: number
  /** From this value on the number is red, which is kept for what has to be acted on now, and how. */
  readonly actNow?: { readonly from: number; readonly how: string }
}

export type Graph = Common & { readonly kind: 'graph'; readonly queries: readonly Query[] }

/** Rows of business facts, from the `board_*` views that reporting keeps for boards. */
export type Table = Common & { readonly kind: 'table'; readonly sql: string }

/** `legend` is a template over the labels of the result: `{{source}}`. */
export type Query = { readonly expr: string; readonly legend: string }

/** The matchers every query has: what the board's variables choose. */
export const chosen = 'job=~"$job",instance=~"$instance"'

/** A quantile of one of our histograms, by some labels of it. */
export function quantile(q: number, histogram: string, by: readonly string[], matchers = chosen): string {
  return `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (rate(${histogram}_bucket{${matchers}}[$__rate_interval])))`
}

/** Per second, by some labels, of one of our counters. */
export function perSecond(counter: string, by: readonly string[], matchers = chosen): string {
  return `sum by (${by.join(', ')}) (rate(${counter}{${matchers}}[$__rate_interval]))`
}
