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

/** What is wrong with a field: as it is answered, and as it is kept, without the value, which may name somebody. */
export type FieldProblem = { readonly detail: string; readonly onRecord: string }

/** @example fieldProblem('timestamp', 'a time', 'soon').detail // timestamp must be a time, not "soon" */
export function fieldProblem(field: string, expected: string, value: unknown): FieldProblem {
  const onRecord = `${field} must be ${expected}`
  return { detail: value === undefined ? onRecord : `${onRecord}, not ${shown(value)}`, onRecord }
}

function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}

/** The object without some of its members; the order of the others is kept. */
export function without(fields: Fields, names: ReadonlySet<string>): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.has(name)))
}

/** A character of text takes at most six bytes in JSON, as `\\u0000`. */
const CHARACTER_BYTES = 6
/** `-1.7976931348623157e+308` and a comma. */
const NUMBER_BYTES = 25

/**
 * The most bytes a value parsed from JSON takes as JSON: told without writing it, which costs several times as much.
 * Undefined when arrays and objects are nested deeper than `levels`: that is nobody's data, and costs recursion.
 */
export function mostBytes(value: unknown, levels: number): number | undefined {
  if (typeof value === 'string') return textBytes(value)
  if (typeof value !== 'object' || value === null) return NUMBER_BYTES
  if (levels === 0) return undefined
  let bytes = 2
  for (const name of Object.keys(value)) {
    const within = mostBytes((value as Fields)[name], levels - 1)
    if (within === undefined) return undefined
    bytes += textBytes(name) + within
  }
  return bytes
}

/** With its quotes, and a colon or comma. */
const textBytes = (text: string): number => CHARACTER_BYTES * text.length + 3
