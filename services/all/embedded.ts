import { type Embedded, startEmbedded } from '@plimsoll/kit/embedded/servers.ts'
import type { StartOptions } from './options.ts'

/** Starts the servers that no URL in the environment replaces, with a line for each step. */
export async function startServers(
  options: StartOptions,
  home: string,
  say: (text: string) => void,
): Promise<Embedded> {
  const startedAt = performance.now()
  const { env } = process
  const wanted = { nats: !env.NATS_URL, postgres: !env.DATABASE_URL, redis: options.redis && !env.REDIS_URL }
  const embedded = await startEmbedded({
    dataDir: options.dataDir,
    cacheDir: `${home}/servers`,
    env,
    wanted,
    reset: options.reset,
    progress: (text) => say(`  ${text} ...`),
  })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const names = embedded.servers.map(({ origin }) => origin).join(', ')
  if (names !== '') say(`  ${names}: ${seconds} s`)
  return embedded
}

/** The variables that point the services at the embedded servers. */
export function urlsOf({ nats, postgres, redis }: Embedded): Record<string, string> {
  return {
    ...(nats && { NATS_URL: nats.url }),
    ...(postgres && { DATABASE_URL: postgres.url }),
    ...(redis && { REDIS_URL: redis.url }),
  }
}
