import { readFileSync } from 'node:fs'
import { defaultLaneCount, maxLaneCount } from '@plimsoll/contracts/lane.ts'
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { appError } from './errors.ts'
import { expectedOf, problemsOf } from './schema.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What kit itself reads. A property's name is the variable's, here and in every service. */
export const kitConfig = Type.Object({
  HOST: Type.String({
    default: '127.0.0.1',
    description: 'Address to listen on. Anything but loopback needs authentication.',
  }),
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 8080,
    description: 'Port of the HTTP API; 0 takes a free one.',
  }),
  NATS_URL: Type.String({ minLength: 1, secret: true, description: 'NATS server with JetStream, 2.10 or later.' }),
  NATS_REPLICAS: Type.Union([Type.Literal(1), Type.Literal(3)], {
    default: 1,
    description: 'Copies of each stream; 3 on a cluster.',
  }),
  LANES: Type.Integer({
    minimum: 1,
    maximum: maxLaneCount,
    default: defaultLaneCount,
    description: 'Lanes of a new installation: how many workers may share its streams. Streams that exist keep theirs.',
  }),
  DATABASE_URL: Type.String({ minLength: 1, secret: true, description: 'PostgreSQL database, 15 or later.' }),
  REDIS_URL: Type.Optional(
    Type.String({
      minLength: 1,
      secret: true,
      description: 'Redis 7 or later; without it caches live in this process.',
    }),
  ),
  OPS_PORT: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65535,
      description: 'Port of /live, /ready and /metrics alone, on every address: for pods.',
    }),
  ),
  DATABASE_READER_URL: Type.Optional(
    Type.String({ minLength: 1, secret: true, description: 'Read replica for queries.' }),
  ),
  BOOTSTRAP_API_KEY: Type.Optional(
    Type.String({
      minLength: 32,
      secret: true,
      description: 'A key with every permission, to make the first real keys with.',
    }),
  ),
  LOG_LEVEL: Type.Union(
    (['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const).map((level) => Type.Literal(level)),
    { default: 'info', description: 'Least severe level that is logged.' },
  ),
  LOG_FORMAT: Type.Optional(
    Type.Union([Type.Literal('json'), Type.Literal('pretty')], {
      description: 'json, or pretty; without it pretty on a terminal.',
    }),
  ),
  AUTH_REQUIRED: Type.Boolean({ default: false, description: 'Asks callers for credentials on loopback too.' }),
  OIDC_ISSUER: Type.Optional(Type.String({ format: 'uri', description: 'Issuer whose JWTs are accepted.' })),
  OIDC_AUDIENCE: Type.Optional(Type.String({ minLength: 1, description: 'Audience these JWTs must name.' })),
  OIDC_PERMISSIONS_CLAIM: Type.String({ default: 'scope', description: "Claim that lists a caller's permissions." }),
  RATE_LIMIT_PER_MINUTE: Type.Integer({
    minimum: 0,
    default: 6_000,
    description: 'Requests a minute for each caller of the query API; 0 for no limit.',
  }),
  DRAIN_WITHIN_MS: Type.Integer({
    minimum: 100,
    default: 20_000,
    description: 'Longest time a shutdown may take before it is forced.',
  }),
  OTEL_SERVICE_NAME: Type.String({ default: 'plimsoll', description: 'service.name of our own traces.' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
    Type.String({ format: 'uri', description: 'Where our own traces are sent.' }),
  ),
})

export type KitConfig = Readonly<Static<typeof kitConfig>>

type Setting = { readonly variable: string; readonly schema: TSchema; readonly required: boolean }

/**
 * Reads every part from the environment, validates all of it at once and freezes it, in the order of `schemas`.
 * `NAME_FILE` names a file that holds the value of `NAME`. Throws `configuration` with every problem listed.
 * @example const [kit] = readConfig([kitConfig], process.env)
 */
export function readConfig<Schemas extends readonly TObject[]>(
  schemas: readonly [...Schemas],
  env: Environment,
): { readonly [Index in keyof Schemas]: Readonly<Static<Schemas[Index]>> } {
  const problems: string[] = []
  const values = schemas.map((schema) => {
    const entries = settingsOf(schema).map(
      (setting) => [setting.variable, readSetting(setting, env, problems)] as const,
    )
    return Object.freeze(Object.fromEntries(entries.filter(([, value]) => value !== undefined)))
  })
  if (problems.length > 0) {
    throw appError(
      'configuration',
      `The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    )
  }
  return values as { [Index in keyof Schemas]: Readonly<Static<Schemas[Index]>> }
}

function readSetting(setting: Setting, env: Environment, problems: string[]): unknown {
  const { variable, schema, required } = setting
  const text = textOf(variable, env, problems)
  if (text === undefined) {
    if ('default' in schema) return schema.default
    if (required) problems.push(`${variable} is not set: ${expectedOf(schema)} is needed.${describe(schema)}`)
    return undefined
  }
  const value = convert(text, schema)
  for (const { expected } of problemsOf(schema, value))
    problems.push(`${variable} must be ${expected}, not ${shown(text, setting)}.`)
  return value
}

/** Every variable with its value as it would be used, secrets masked: what `--validate` prints. */
export function describeConfig(schemas: readonly TObject[], env: Environment): string {
  const values = Object.assign({}, ...readConfig(schemas, env)) as Record<string, unknown>
  return schemas
    .flatMap(settingsOf)
    .map((setting) => {
      const value = values[setting.variable]
      return `${setting.variable}=${value === undefined ? '(not set)' : shown(Array.isArray(value) ? value.join(',') : String(value), setting)}`
    })
    .join('\n')
}

function settingsOf(schema: TObject): Setting[] {
  const required = new Set((schema as { required?: string[] }).required ?? [])
  return Object.entries(schema.properties).map(([variable, own]) => ({
    variable,
    schema: own as TSchema,
    required: required.has(variable),
  }))
}

function textOf(variable: string, env: Environment, problems: string[]): string | undefined {
  const file = env[`${variable}_FILE`]
  if (file === undefined || file === '') return env[variable] || undefined
  if (env[variable]) problems.push(`${variable} and ${variable}_FILE are both set: keep one of them.`)
  try {
    return readFileSync(file, 'utf8').trimEnd() || undefined
  } catch (error) {
    problems.push(
      `${variable}_FILE names ${file}, which cannot be read: ${error instanceof Error ? error.message : error}.`,
    )
    return undefined
  }
}

/** Text of a variable as the value its schema means; text that cannot be one stays text, for the validation to refuse. */
function convert(text: string, schema: TSchema): unknown {
  const { type, items, anyOf } = schema as { type?: string; items?: TSchema; anyOf?: readonly { const?: unknown }[] }
  switch (type) {
    case 'integer':
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
    case 'boolean':
      return /^(true|1|yes|on)$/i.test(text) ? true : /^(false|0|no|off)$/i.test(text) ? false : text
    case 'array':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
        .map((part) => (items === undefined ? part : convert(part, items)))
    default: {
      const isNumber = (anyOf ?? []).some((choice) => typeof choice.const === 'number')
      return isNumber && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
    }
  }
}

function shown(text: string, { schema, variable }: Setting): string {
  const secret = (schema as { secret?: boolean }).secret === true || /(SECRET|PASSWORD|TOKEN)$/.test(variable)
  if (!secret) return text
  // Of a URL everything but the user's part helps to find a mistake.
  const url = /^([a-z+]+:\/\/)(?:[^@/]*@)?(.*)$/i.exec(text)
  return url === null
    ? '********'
    : `${url[1]}${/^[^/]*@/.test(text.slice(url[1]?.length ?? 0)) ? '********@' : ''}${url[2]}`
}

const describe = (schema: TSchema): string => {
  const { description } = schema as { description?: string }
  return description === undefined ? '' : ` ${description}`
}
