import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const migrations = fileURLToPath(new URL('../../services/reporting/store/migrations', import.meta.url))

/** The views reporting keeps for boards, read from the migrations that create them. */
export function readViews(): ReadonlySet<string> {
  const sources = globSync('*.ts', { cwd: migrations }).map((file) => readFileSync(join(migrations, file), 'utf8'))
  return new Set(sources.flatMap((source) => [...source.matchAll(/create view (\w+)/g)].map(([, name = '']) => name)))
}

/**
 * What a query reads, by a scan for names: whether it runs is for PostgreSQL to say.
 * @example viewsReadBy('select 1 from board_account join board_action using (account_id)') // ['board_account', 'board_action']
 */
export const viewsReadBy = (sql: string): string[] =>
  [...sql.matchAll(/\b(?:from|join)\s+([\w.]+)/gi)].map(([, name = '']) => name)
