import { openAccessDatabase } from '@plimsoll/kit/auth/access.ts'
import { createApiKey, listApiKeys, revokeApiKey } from '@plimsoll/kit/auth/apikeys.ts'
import { systemClock } from '@plimsoll/kit/clock.ts'
import { runningUrls, startEmbedded } from '@plimsoll/kit/embedded/servers.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Command } from './options.ts'

const dayMs = 86_400_000

/** `npm start -- keys create NAME | list | revoke NAME`, beside a running Plimsoll or without one. */
export async function runKeys(
  command: Extract<Command, { kind: 'keys' }>,
  home: string,
  say: (text: string) => void,
): Promise<void> {
  const { words, scopes, expiresDays, options } = command
  const [action, name] = words
  await withDatabase(options.dataDir, home, async (url) => {
    const { worker, close } = await openAccessDatabase(url)
    try {
      if (action === 'create' && name !== undefined) {
        const expiresAt = expiresDays === undefined ? undefined : new Date(systemClock.now() + expiresDays * dayMs)
        const key = await createApiKey(worker, { name, scopes, ...(expiresAt && { expiresAt }) }, systemClock)
        say(`${key}\n\nThis is the only time it is shown. It may: ${scopes.join(', ')}.`)
      } else if (action === 'list') {
        for (const { name, prefix, scopes, expiresAt, revokedAt } of await listApiKeys(worker)) {
          const state = revokedAt
            ? `revoked ${revokedAt.toISOString()}`
            : expiresAt
              ? `until ${expiresAt.toISOString()}`
              : 'does not expire'
          say(`${name}  plm_${prefix}...  ${scopes.join(',')}  ${state}`)
        }
      } else if (action === 'revoke' && name !== undefined) {
        const revoked = await revokeApiKey(worker, name, systemClock)
        if (revoked === 0)
          throw appError('configuration', `There is no working key named ${name}. See: npm start -- keys list`)
        say(`${name} is revoked; it stops working within 15 s.`)
      } else {
        throw appError(
          'configuration',
          'usage: npm start -- keys create NAME [--scopes SCOPE,...] [--expires-days N] | keys list | keys revoke NAME',
        )
      }
    } finally {
      await close()
    }
  })
}

async function withDatabase(dataDir: string, home: string, work: (url: string) => Promise<void>): Promise<void> {
  const url = process.env.DATABASE_URL || (await runningUrls(dataDir)).database
  if (url) return await work(url)
  const embedded = await startEmbedded({
    dataDir,
    cacheDir: `${home}/servers`,
    env: process.env,
    wanted: { nats: false, postgres: true, redis: false },
    progress: () => {},
  })
  try {
    if (embedded.postgres) await work(embedded.postgres.url)
  } finally {
    await embedded.stop()
  }
}
