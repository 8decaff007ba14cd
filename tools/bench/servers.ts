import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startEmbedded } from '@plimsoll/kit/embedded/servers.ts'

export type ServerUrls = { readonly natsUrl: string; readonly databaseUrl: string }

/** Does `work` on an empty broker and an empty database as `npm start` runs them, which are gone afterwards. */
export async function withServers<T>(work: (urls: ServerUrls) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-bench-'))
  const servers = await startEmbedded({
    dataDir: folder,
    cacheDir: join(fileURLToPath(new URL('../../', import.meta.url)), '.plimsoll', 'servers'),
    env: process.env,
    wanted: { nats: true, postgres: true, redis: false },
    progress: () => undefined,
  })
  try {
    return await work({ natsUrl: servers.nats?.url ?? '', databaseUrl: servers.postgres?.url ?? '' })
  } finally {
    await servers.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
