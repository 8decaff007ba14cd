/** Tables of the schema `customer_success`, as Kysely sees them. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import type { Transaction } from 'kysely'
import type { AdoptionTables } from './adoption-tables.ts'
import type { HealthTables } from './health-tables.ts'
import type { ModelTables } from './model-tables.ts'
import type { PlaybookTables } from './playbook-tables.ts'
import type { PrivacyTables } from './privacy-tables.ts'
import type { UsageTables } from './usage-tables.ts'

export type Tables = UsageTables & HealthTables & PlaybookTables & AdoptionTables & ModelTables & PrivacyTables

/** The service's own tables within the worker's transaction. */
export const tables = (tx: WorkerTransaction): Transaction<Tables> => tx as Transaction<Tables>
