import { type TObject, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { type AppError, appError, type FieldProblem } from '../errors.ts'
import { problemsOf } from '../schema.ts'
import { unstorableAt } from './storable.ts'

type Validator = (input: unknown) => { value: unknown } | { error: AppError }

const placeOf: Readonly<Record<string, string>> = {
  querystring: 'query',
  params: 'path',
  headers: 'header',
  body: 'body',
}

/** Checks one part of a request. Texts of the URL and headers become the numbers and lists their schema asks for. */
export function compileValidator(given: TSchema, httpPart: string): Validator {
  const schema = httpPart === 'querystring' ? closedUnlessOpen(given as TObject) : given
  const compiled = Compile(schema)
  const isText = httpPart !== 'body'
  return (input) => {
    const stated = isText ? Value.Convert(schema, listsOf(schema, input)) : input
    const value = Value.Default(schema, stated)
    const fields = problems(schema, compiled.Check(value), value).map(({ field, expected }) => ({
      field: `${placeOf[httpPart]}${field}`,
      expected,
    }))
    if (fields.length === 0) return { value }
    const detail = fields.map(({ field, expected }) => `${field} must be ${expected}`).join('; ')
    return { error: appError('bad-request', `${detail}.`, { fields }) }
  }
}

function problems(schema: TSchema, fits: boolean, value: unknown): FieldProblem[] {
  if (!fits) return problemsOf(schema, value)
  const field = unstorableAt(value)
  return field === undefined ? [] : [{ field, expected: 'text without a zero character or half a surrogate pair' }]
}

/**
 * A filter with a typing error would be no filter, and `dryrun=1` no dry run: names a query does not have are refused,
 * except where its schema says `additionalProperties: true`, as those of other people's protocols do.
 */
const closedUnlessOpen = (schema: TObject): TObject =>
  'additionalProperties' in schema ? schema : Type.Object(schema.properties, { additionalProperties: false })

/** `?service=a` is a list of one where the schema asks for a list. */
function listsOf(schema: TSchema, input: unknown): unknown {
  const { properties } = schema as { properties?: Record<string, { type?: string }> }
  if (properties === undefined || typeof input !== 'object' || input === null) return input
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [
      name,
      properties[name]?.type === 'array' && !Array.isArray(value) ? [value] : value,
    ]),
  )
}
