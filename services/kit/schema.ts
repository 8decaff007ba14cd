import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { FieldProblem } from './errors.ts'

/** The parts of JSON Schema that a sentence about a value is made of. */
type Described = {
  readonly type?: string
  readonly const?: unknown
  readonly anyOf?: readonly Described[]
  readonly enum?: readonly unknown[]
  readonly items?: Described
  readonly properties?: Readonly<Record<string, Described>>
  readonly additionalProperties?: Described | boolean
  readonly required?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly pattern?: string
  readonly format?: string
}

/**
 * What a schema accepts, in words.
 * @example expectedOf(Type.Integer({ minimum: 1, maximum: 500 })) // 'an integer from 1 to 500'
 */
export function expectedOf(schema: TSchema | Described): string {
  const described = schema as Described
  const choices = choicesOf(described)
  if (choices !== undefined)
    return choices.length === 1 ? String(choices[0]) : `one of ${choices.map(String).join(', ')}`
  if (described.anyOf !== undefined) return [...new Set(described.anyOf.map(expectedOf))].join(', or ')
  switch (described.type) {
    case 'integer':
      return `an integer${range(described)}`
    case 'number':
      return `a number${range(described)}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return `a list${described.items === undefined ? '' : ` of ${expectedOf(described.items)}`}${amount(described.minItems, described.maxItems, 'items')}`
    case 'object':
      return described.required?.length ? `an object with ${described.required.join(', ')}` : 'an object'
    case 'null':
      return 'null'
    case 'string':
      return `${textOf(described)}${amount(described.minLength, described.maxLength, 'characters')}`
    default:
      return 'another value'
  }
}

function choicesOf(schema: Described): readonly unknown[] | undefined {
  if (schema.const !== undefined) return [schema.const]
  if (schema.enum !== undefined) return schema.enum
  if (schema.anyOf === undefined) return undefined
  const all = schema.anyOf.map(choicesOf)
  return all.every((choices) => choices !== undefined) ? all.flat() : undefined
}

function textOf({ format, pattern }: Described): string {
  if (format === 'date-time') return 'an ISO 8601 date and time such as 2026-01-31T09:00:00Z'
  if (format === 'date') return 'a date such as 2026-01-31'
  if (format === 'uri' || format === 'url') return 'a whole URL such as https://host/path'
  if (format !== undefined) return `a text in the format ${format}`
  return pattern === undefined ? 'a text' : `a text that matches ${pattern}`
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Described): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  const low =
    minimum === undefined
      ? exclusiveMinimum === undefined
        ? ''
        : ` above ${exclusiveMinimum}`
      : ` of at least ${minimum}`
  const high =
    maximum === undefined
      ? exclusiveMaximum === undefined
        ? ''
        : ` below ${exclusiveMaximum}`
      : ` of at most ${maximum}`
  return low !== '' && high !== '' ? `${low} and${high}` : `${low}${high}`
}

function amount(least: number | undefined, most: number | undefined, unit: string): string {
  if (least !== undefined && most !== undefined)
    return least === most ? ` of ${least} ${unit}` : ` of ${least} to ${most} ${unit}`
  if (least !== undefined) return least === 1 ? ', not empty' : ` of at least ${least} ${unit}`
  return most === undefined ? '' : ` of at most ${most} ${unit}`
}

/** One problem for each part of `value` that the schema refuses; empty when it accepts the whole. */
export function problemsOf(schema: TSchema, value: unknown): FieldProblem[] {
  const byField = new Map<string, string>()
  for (const { keyword, instancePath, params } of Value.Errors(schema, value)) {
    if (keyword === 'required') {
      for (const name of (params as { requiredProperties: string[] }).requiredProperties) {
        const field = `${instancePath}/${name}`
        byField.set(field, `${expectedOf(partOf(schema, field))}; it is missing`)
      }
    } else if (keyword === 'additionalProperties') {
      for (const name of (params as { additionalProperties: string[] }).additionalProperties) {
        byField.set(`${instancePath}/${name}`, `nothing of that name; ${namesOf(partOf(schema, instancePath))}`)
      }
    } else if (!byField.has(instancePath)) {
      byField.set(instancePath, expectedOf(partOf(schema, instancePath)))
    }
  }
  return [...byField].map(([field, expected]) => ({ field, expected }))
}

/** The schema of the part of a value that a JSON pointer names, as far as it can be followed. */
function partOf(schema: TSchema | Described, pointer: string): Described {
  let part = schema as Described
  for (const token of pointer.split('/').slice(1)) {
    const { additionalProperties } = part
    const next: Described | undefined =
      part.properties?.[token] ??
      part.items ??
      (typeof additionalProperties === 'object' ? additionalProperties : undefined)
    if (next === undefined) return part
    part = next
  }
  return part
}

const namesOf = ({ properties }: Described): string => {
  const names = Object.keys(properties ?? {})
  return names.length === 0 ? 'none are taken' : `the names are ${names.join(', ')}`
}
