/**
 * The permissions that scopes stand for. A scope is a permission, `service:*`, or `*`; one that names nothing known
 * gives nothing.
 * @example expandScopes(['reporting:*'], ['reporting:read', 'gateway:write']) // Set { 'reporting:read' }
 */
export function expandScopes(scopes: readonly string[], known: readonly string[]): ReadonlySet<string> {
  const covers = (scope: string, permission: string) =>
    scope.endsWith('*') ? permission.startsWith(scope.slice(0, -1)) : scope === permission
  return new Set(known.filter((permission) => scopes.some((scope) => covers(scope, permission))))
}
