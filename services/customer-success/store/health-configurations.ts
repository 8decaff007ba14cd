/** Versions of the health configuration, and which one scores. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Selectable } from 'kysely'
import type { Comparison } from '../domain/health/backtest.ts'
import type { Configuration } from '../domain/health/configuration.ts'
import { DEFAULT_CONFIGURATION } from '../domain/health/templates.ts'
import type { HealthReader } from './health.ts'
import type { HealthConfigurationTable } from './health-tables.ts'
import { tables } from './tables.ts'

export type ConfigurationRow = Selectable<HealthConfigurationTable>

/** The configuration that scores. There is always one: the first time it is the one that comes with the product. */
export async function activeConfiguration(tx: WorkerTransaction): Promise<Configuration> {
  const active = await findActive(tables(tx))
  if (active !== undefined) return active.configuration
  await tables(tx)
    .insertInto('health_configuration')
    .values({
      version: DEFAULT_CONFIGURATION.version,
      configuration: JSON.stringify(DEFAULT_CONFIGURATION),
      backtest: null,
      created_at: new Date(0),
      created_by: 'plimsoll',
      activated_at: new Date(0),
    })
    .onConflict((conflict) => conflict.column('version').doNothing())
    .execute()
  return DEFAULT_CONFIGURATION
}

/** The one activated last; undefined before the first score. */
export function findActive(reader: HealthReader): Promise<ConfigurationRow | undefined> {
  return reader
    .selectFrom('health_configuration')
    .selectAll()
    .where('activated_at', 'is not', null)
    .orderBy('activated_at', 'desc')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
}

export async function configurationsOf(
  reader: HealthReader,
  versions: readonly number[],
): Promise<Map<number, Configuration>> {
  if (versions.length === 0) return new Map()
  const rows = await reader
    .selectFrom('health_configuration')
    .select(['version', 'configuration'])
    .where('version', 'in', [...new Set(versions)])
    .execute()
  return new Map(rows.map(({ version, configuration }) => [version, configuration]))
}

/** Newest first, below `before`. */
export function listConfigurations(
  reader: HealthReader,
  before: number | undefined,
  limit: number,
): Promise<ConfigurationRow[]> {
  let query = reader.selectFrom('health_configuration').selectAll()
  if (before !== undefined) query = query.where('version', '<', before)
  return query.orderBy('version', 'desc').limit(limit).execute()
}

/** The next version; not active until somebody activates it. */
export async function addConfiguration(
  tx: WorkerTransaction,
  configuration: Omit<Configuration, 'version'>,
  made: { readonly by: string; readonly atMs: number; readonly backtest: Comparison | undefined },
): Promise<ConfigurationRow> {
  await activeConfiguration(tx)
  const db = tables(tx)
  const newest = await db
    .selectFrom('health_configuration')
    .select('version')
    .orderBy('version', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirstOrThrow()
  const version = newest.version + 1
  return await db
    .insertInto('health_configuration')
    .values({
      version,
      configuration: JSON.stringify({ ...configuration, version }),
      backtest: made.backtest === undefined ? null : JSON.stringify(made.backtest),
      created_at: new Date(made.atMs),
      created_by: made.by,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Undefined when there is no such version. */
export function activateConfiguration(
  tx: WorkerTransaction,
  version: number,
  atMs: number,
): Promise<ConfigurationRow | undefined> {
  return tables(tx)
    .updateTable('health_configuration')
    .set({ activated_at: new Date(atMs) })
    .where('version', '=', version)
    .returningAll()
    .executeTakeFirst()
}
