/** Which events count as what. */

import { USAGE_KIND } from '@plimsoll/contracts/usage-batch.ts'

/** Somebody used the product. Telling who somebody is (identify, group, alias) and what machines report is no use of it. */
export const isActivity = (kind: number): boolean =>
  kind === USAGE_KIND.track || kind === USAGE_KIND.page || kind === USAGE_KIND.screen || kind === USAGE_KIND.quantity

/** @example isApiCall('api_called') // true */
export const isApiCall = (name: string): boolean => /(^|[^a-z])api([^a-z]|$)/i.test(name)

/** A `status` of 400 or more, or an `error` that is set. */
export function reportsError(properties: string): boolean {
  // Most events say neither: looked for before anything is parsed.
  if (!properties.includes('"status"') && !properties.includes('"error"')) return false
  const { status, error } = jsonObject(properties)
  return Number(status) >= 400 || (error !== undefined && error !== null && error !== false && error !== '')
}

/** The object a JSON text holds; an empty one for anything else. */
export function jsonObject(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
