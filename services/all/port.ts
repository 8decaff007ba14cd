import { freePort } from '@plimsoll/kit/embedded/ports.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { defaultPort } from './options.ts'

const tries = 20

/** The port asked for, by option or PORT, must be free; the default gives way to the next free one. */
export async function choosePort(
  asked: number | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const wanted = asked ?? (env.PORT ? Number(env.PORT) : undefined)
  if (wanted !== undefined) {
    if (wanted === 0 || (await freePort(wanted)) === wanted) return wanted
    throw appError(
      'configuration',
      `Port ${wanted} is taken by another program. Give another one: npm start -- --port N`,
    )
  }
  for (let port = defaultPort; port < defaultPort + tries; port += 1) {
    if ((await freePort(port)) === port) return port
  }
  throw appError(
    'configuration',
    `The ports ${defaultPort} to ${defaultPort + tries - 1} are all taken. Give a free one: npm start -- --port N`,
  )
}
