import { type Fields, fieldProblem, textOf } from './fields.ts'
import { tableTimeOf } from './time.ts'

/**
 * The fields of a fact being read, from JSON or from a table, whose values are all text. Every accessor notes a problem
 * and goes on with a harmless value, so that one pass names everything that is wrong. Null and empty text count as absent.
 */
export type FactFields = {
  readonly problems: readonly string[]
  /** The same without the values that are wrong. */
  readonly problemsOnRecord: readonly string[]
  /** Text or number, as text; required. */
  id(name: string): string
  idOr(name: string, fallback: string): string
  text(name: string): string
  requiredTime(name: string): number
  time(name: string): number | undefined
  number(name: string, least?: number, most?: number): number | undefined
  /** A whole number from 0, 0 where absent. */
  count(name: string): number
  flag(name: string): boolean
  /** Texts: an array, or one text with `;`, `|` or `,` between them. */
  list(name: string): string[]
  /** The meaning of a word, whatever its case and separators. */
  choice<Meaning extends string>(name: string, words: Readonly<Record<string, Meaning>>, absent: Meaning): Meaning
  /** Notes that a required field is absent, unless its value was refused already. */
  missing<Value>(name: string, expected: string, instead: Value): Value
  refuse(name: string, expected: string): void
}

const MAX_ID_LENGTH = 255
const MAX_TEXT_LENGTH = 16_384
const MAX_LIST = 20
const MAX_COUNT = 2 ** 31 - 1

/** How values are written that mean nothing by themselves. */
export type Notation = {
  /** Day 0 of tables that count days, ms since the epoch; undefined: they do not. */
  readonly dayZero?: number | undefined
  /** Whether 1,5 is one and a half. */
  readonly decimalComma?: boolean | undefined
}

export function fieldsOf(fields: Fields, { dayZero, decimalComma = false }: Notation = {}): FactFields {
  const problems: string[] = []
  const problemsOnRecord: string[] = []
  const refusedNames = new Set<string>()

  const refuse = (name: string, expected: string) => {
    refusedNames.add(name)
    const { detail, onRecord } = fieldProblem(name, expected, fields[name])
    problems.push(detail)
    problemsOnRecord.push(onRecord)
  }
  const missing = <Value>(name: string, expected: string, instead: Value): Value => {
    if (!refusedNames.has(name)) refuse(name, expected)
    return instead
  }
  const absent = (name: string) => fields[name] === undefined || fields[name] === null || fields[name] === ''
  const boundedText = (name: string, most: number): string => {
    if (absent(name)) return ''
    const text = storableOf(fields[name])
    if (text === '' || text.length > most) refuse(name, `text of at most ${most} characters`)
    return text
  }
  const time = (name: string): number | undefined => {
    if (absent(name)) return undefined
    const value = tableTimeOf(fields[name], dayZero)
    if (value === undefined)
      refuse(name, 'a time such as 2026-11-23T10:15:00Z or 2026-11-23, or a day with "day0" stated')
    return value === undefined ? undefined : Math.floor(value)
  }
  const number = (
    name: string,
    least = Number.NEGATIVE_INFINITY,
    most = Number.POSITIVE_INFINITY,
  ): number | undefined => {
    if (absent(name)) return undefined
    const text = textOf(fields[name]).trim()
    const value = Number((decimalComma ? pointFor(text) : text) || Number.NaN)
    if (Number.isFinite(value) && value >= least && value <= most) return value
    refuse(name, Number.isFinite(least) ? `a number from ${least} to ${most}` : 'a number')
    return undefined
  }

  return {
    problems,
    problemsOnRecord,
    id: (name) => (absent(name) ? missing(name, 'text or a number', '') : boundedText(name, MAX_ID_LENGTH)),
    idOr: (name, fallback) => (absent(name) ? fallback : boundedText(name, MAX_ID_LENGTH)),
    text: (name) => boundedText(name, MAX_TEXT_LENGTH),
    requiredTime: (name) => time(name) ?? missing(name, 'a time such as 2026-11-23T10:15:00Z', 0),
    time,
    number,
    count(name) {
      const value = number(name, 0, MAX_COUNT) ?? 0
      if (!Number.isInteger(value)) refuse(name, 'a whole number')
      return value
    },
    flag: (name) => fields[name] === true || /^(true|t|yes|y|1)$/i.test(textOf(fields[name])),
    list(name) {
      const value = fields[name]
      const parts: readonly unknown[] = Array.isArray(value) ? value : textOf(value).split(/[;|,]/)
      const texts = parts.map(storableOf).filter((text) => text !== '')
      const isFine = texts.length <= MAX_LIST && texts.every((text) => text.length <= MAX_ID_LENGTH)
      if (!isFine) refuse(name, `at most ${MAX_LIST} texts of at most ${MAX_ID_LENGTH} characters`)
      return [...new Set(texts)]
    },
    choice(name, words, otherwise) {
      if (absent(name)) return otherwise
      const word = (typeof fields[name] === 'boolean' ? String(fields[name]) : textOf(fields[name]))
        .trim()
        .toLowerCase()
        .replaceAll(/[\s-]+/g, '_')
      const meaning = Object.hasOwn(words, word) ? words[word] : undefined
      if (meaning === undefined) refuse(name, `one of ${Object.keys(words).join(', ')}`)
      return meaning ?? otherwise
    },
    missing,
    refuse,
  }
}

/** Of 1.234,50 and 1234,50 the number as JavaScript writes it; anything else as it is. */
const pointFor = (text: string): string =>
  /^[+-]?\d+(\.\d{3})*,\d+$/.test(text) ? text.replaceAll('.', '').replace(',', '.') : text

/** PostgreSQL's text cannot hold a zero character. */
const storableOf = (value: unknown): string => textOf(value).replaceAll('\0', '\uFFFD').toWellFormed().trim()
