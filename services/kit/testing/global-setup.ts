import { natsKind } from '../embedded/nats.ts'
import { resolvePostgres } from '../embedded/postgres.ts'
import { redisKind } from '../embedded/redis.ts'
import { resolveServer } from '../embedded/resolve.ts'
import { testResolution } from './servers.ts'

/**
 * Once before the tiers that need servers: fetches the programs that are not there yet, so that no test's time pays for
 * a download. What cannot be had is told by the tests that need it, see `startStack`.
 */
export async function setup(): Promise<void> {
  if (process.env.TEST_SERVERS === 'containers') return
  const ignore = () => undefined
  await Promise.all([
    resolveServer(natsKind, testResolution).catch(ignore),
    resolveServer(redisKind, testResolution).catch(ignore),
    resolvePostgres().catch(ignore),
  ])
}
