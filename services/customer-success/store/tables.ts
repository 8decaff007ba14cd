/** Tables of the schema `customer_success`, as Kysely sees them. */

export type Tables = Record<never, never>
