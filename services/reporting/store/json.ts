import type { ColumnType } from 'kysely'

/** What a jsonb column holds: objects out, JSON text in (the driver would send an array as an SQL array). */
export type Json<T> = ColumnType<T, string, string>
