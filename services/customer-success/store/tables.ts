/** Tables of the schema `customer_success`, as Kysely sees them. */

import type { UsageTables } from './usage-tables.ts'

export type Tables = UsageTables
