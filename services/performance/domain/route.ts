/**
 * Route of a request: what tells one endpoint from another without growing with the number of users. Labels that carry
 * raw paths are turned into templates, so that `/users/42` and `/users/43` are one endpoint.
 */

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const hex = /^[0-9a-f]{12,}$/i
const digits = /^[+-]?\d+([.,]\d+)*$/
/** Tokens, slugs with numbers, ULIDs: long and with several digits in them. */
const token = /^(?=(?:.*\d){3})[\w.~=-]{16,}$/
const numbered = /^([a-z]+[-_])\d{3,}$/i

function isIdentifier(segment: string): boolean {
  return digits.test(segment) || uuid.test(segment) || hex.test(segment) || token.test(segment)
}

/**
 * Template of a path; anything that is not a path is returned as it came.
 * @example routeTemplate('/users/42/orders?page=2') // '/users/{id}/orders'
 */
export function routeTemplate(text: string): string {
  if (!text.includes('/')) return text
  const path = text.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]+/i, '').replace(/[?#].*$/, '')
  if (path === '') return '/'
  return path
    .split('/')
    .map((segment) => (isIdentifier(segment) ? '{id}' : segment.replace(numbered, '$1{id}')))
    .join('/')
}
