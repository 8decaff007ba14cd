/** An object of a sender's JSON: nothing about it is known but that it is one. */
export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const fieldsOr = (value: unknown): Fields => (isFields(value) ? value : {})

/** Text or a number as text, for ids that some senders write as numbers; else empty. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : ''
}

/** The first that is not empty. */
export function firstText(...values: readonly unknown[]): string {
  for (const value of values) {
    const text = textOf(value)
    if (text !== '') return text
  }
  return ''
}

/** The object without some of its members; the order of the others is kept. */
export function without(fields: Fields, names: ReadonlySet<string>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.has(name)))
}

/** Whether arrays and objects are nested deeper than `levels`: deeper ones are nobody's data, and cost recursion. */
export function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const inner of Object.values(value)) if (deeperThan(inner, levels - 1)) return true
  return false
}
