import { type Fields, firstText, isFields, textOf } from './fields.ts'

/** Property keys that name the account of an event, and types of PostHog's groups that are accounts; see the README. */
export const defaultAccountKeys = [
  'accountId',
  'account_id',
  'groupId',
  'group_id',
  'companyId',
  'company_id',
  'organizationId',
  'organization_id',
] as const

/** Group types of PostHog: a type, unlike a property of the same name, holds ids. */
const groupTypes = ['account', 'company', 'organization', 'tenant', 'workspace'] as const

/** The account that properties name: by one of `keys`, where Mixpanel puts a list with the id, or by PostHog's groups. */
export function accountOf(properties: Fields, keys: readonly string[]): string {
  for (const key of keys) {
    const value = Object.hasOwn(properties, key) ? properties[key] : undefined
    const text = textOf(Array.isArray(value) ? value[0] : value)
    if (text !== '') return text
  }
  const groups = properties.$groups
  if (!isFields(groups)) return ''
  const known = [...groupTypes, ...keys].map((type) => (Object.hasOwn(groups, type) ? groups[type] : undefined))
  return firstText(...known, ...Object.values(groups))
}
