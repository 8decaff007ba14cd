import { resolve } from 'node:path'
import { runningUrls } from '@plimsoll/kit/embedded/servers.ts'
import { appError } from '@plimsoll/kit/errors.ts'

/** Options of every tool that works on a running installation, for `parseArgs`. */
export const serverOptions = {
  database: { type: 'string' },
  nats: { type: 'string' },
  'data-dir': { type: 'string' },
} as const

export const serverUsage = `  --database URL    else DATABASE_URL, else that of the Plimsoll running in --data-dir
  --nats URL        else NATS_URL, else the same
  --data-dir DIR    as given to npm start, .plimsoll/data when left out
`

type Values = {
  readonly database?: string | undefined
  readonly nats?: string | undefined
  readonly 'data-dir'?: string | undefined
}
type Server = 'database' | 'nats'

const variables: Readonly<Record<Server, string>> = { database: 'DATABASE_URL', nats: 'NATS_URL' }

/**
 * Where the wanted servers are.
 * @throws AppError `bad-request` that says how to name one that cannot be found.
 */
export async function serverUrls<S extends Server>(values: Values, wanted: readonly S[]): Promise<Record<S, string>> {
  const home = process.env.PLIMSOLL_HOME ?? resolve(import.meta.dirname, '../.plimsoll')
  const dataDir = resolve(values['data-dir'] ?? `${home}/data`)
  const running = await runningUrls(dataDir)
  const found = wanted.map((server) => {
    const url = values[server] ?? (process.env[variables[server]] || running[server])
    if (url !== undefined) return [server, url]
    throw appError(
      'bad-request',
      `No Plimsoll runs in ${dataDir}: start it, or give --data-dir, --${server} or ${variables[server]}.`,
    )
  })
  return Object.fromEntries(found) as Record<S, string>
}
