import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { appError } from '@plimsoll/kit/errors.ts'

export const defaultPort = 8080

export const help = `Plimsoll watches a launched platform: telemetry in, facts and recommendations out.

usage: npm start -- [options]
       npm start -- keys create NAME [--scopes SCOPE,...] [--expires-days N] | keys list | keys revoke NAME

  --port N          port of the API and the page (default ${defaultPort}, or the next free one when it is taken)
  --data-dir DIR    where data is kept between starts (default .plimsoll/data)
  --reset           delete that data first
  --redis           start an embedded Redis as well, for caches and limits
  --validate        print the configuration, secrets masked, and exit
  --help            this text

Servers of your own replace embedded ones: NATS_URL, DATABASE_URL, REDIS_URL.
Every other setting is an environment variable too: --validate lists them all.`

export type StartOptions = {
  readonly port: number | undefined
  readonly dataDir: string
  readonly reset: boolean
  readonly redis: boolean
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'validate' }
  | { readonly kind: 'start'; readonly options: StartOptions }
  | {
      readonly kind: 'keys'
      readonly words: readonly string[]
      readonly scopes: readonly string[]
      readonly expiresDays: number | undefined
      readonly options: StartOptions
    }

const parseOptions = {
  help: { type: 'boolean', short: 'h', default: false },
  port: { type: 'string', short: 'p' },
  'data-dir': { type: 'string' },
  reset: { type: 'boolean', default: false },
  redis: { type: 'boolean', default: false },
  validate: { type: 'boolean', default: false },
  scopes: { type: 'string', default: '*' },
  'expires-days': { type: 'string' },
} as const

/** What was asked for. Throws `configuration` with what to write instead. */
export function readCommand(argv: readonly string[], home: string): Command {
  const { values, positionals } = parse(argv)
  if (values.help) return { kind: 'help' }
  if (values.validate) return { kind: 'validate' }
  const options: StartOptions = {
    port: wholeNumber('--port', values.port, 65535),
    dataDir: resolve(values['data-dir'] ?? `${home}/data`),
    reset: values.reset,
    redis: values.redis,
  }
  const [first, ...words] = positionals
  if (first === 'keys') {
    const scopes = values.scopes
      .split(',')
      .map((scope) => scope.trim())
      .filter((scope) => scope !== '')
    return {
      kind: 'keys',
      words,
      scopes,
      expiresDays: wholeNumber('--expires-days', values['expires-days'], 36_500),
      options,
    }
  }
  if (first !== undefined) throw appError('configuration', `"${first}" is not a command. See: npm start -- --help`)
  return { kind: 'start', options }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: parseOptions, allowPositionals: true })
  } catch (error) {
    throw appError(
      'configuration',
      `${error instanceof Error ? error.message.split('. ')[0] : error}. See: npm start -- --help`,
    )
  }
}

function wholeNumber(option: string, text: string | undefined, maximum: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > maximum)
    throw appError('configuration', `${option} must be a whole number from 1 to ${maximum}, not "${text}".`)
  return value
}
