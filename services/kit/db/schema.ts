/** A service's roles in PostgreSQL: the owner migrates, the worker writes, the reader selects. */
export type Role = 'owner' | 'worker' | 'reader'

/** The service's schema: its name in snake case. @example schemaOf('customer-success') // 'customer_success' */
export function schemaOf(service: string): string {
  if (!/^[a-z][a-z0-9-]*$/.test(service)) throw new RangeError(`"${service}" is not a service name (a-z, 0-9 and -)`)
  return service.replaceAll('-', '_')
}

export const roleOf = (service: string, role: Role): string => `${schemaOf(service)}_${role}`

/** A name as it may stand in SQL. @example quoteName('p95') // '"p95"' */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`
