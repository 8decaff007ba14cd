/**
 * One cause, one regression: alarms that begin within five minutes of each other and whose services depend on each other
 * are told once, as a regression of the service at the bottom, with the others as its symptoms (performance.md 3.3).
 */

export const SAME_CAUSE_MS = 5 * 60_000
/** Chains longer than this are not followed; deeper trees are cycles or mistakes more often than causes. */
const DEEPEST = 8

/** Services by who they call. */
export type Dependencies = ReadonlyMap<string, ReadonlySet<string>>

export function dependenciesOf(edges: Iterable<{ readonly caller: string; readonly callee: string }>): Dependencies {
  const calls = new Map<string, Set<string>>()
  for (const { caller, callee } of edges) {
    const known = calls.get(caller)
    if (known === undefined) calls.set(caller, new Set([callee]))
    else known.add(callee)
  }
  return calls
}

/** True when `from` calls `to`, directly or through others. */
export function dependsOn(dependencies: Dependencies, from: string, to: string): boolean {
  if (from === to) return false
  const seen = new Set([from])
  let level = [from]
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth++) {
    const next: string[] = []
    for (const service of level) {
      for (const callee of dependencies.get(service) ?? []) {
        if (callee === to) return true
        if (!seen.has(callee)) {
          seen.add(callee)
          next.push(callee)
        }
      }
    }
    level = next
  }
  return false
}

export type Alarm = {
  readonly environment: string
  /** Service whose doing it shows. */
  readonly subject: string
  readonly onsetMs: number
}

export type Told = Alarm & { readonly regressionId: string }

export type Grouping =
  | { readonly kind: 'new' }
  /** A symptom of a regression that is told already. */
  | { readonly kind: 'join'; readonly regressionId: string }
  /** The cause of regressions that are told already: `regressionId` becomes about it, `explained` end in it. */
  | { readonly kind: 'cause'; readonly regressionId: string; readonly explained: readonly string[] }

/** Where an alarm belongs among the regressions told so far. */
export function groupAlarm(alarm: Alarm, told: readonly Told[], dependencies: Dependencies): Grouping {
  const near = told
    .filter((other) => other.environment === alarm.environment)
    .filter((other) => Math.abs(other.onsetMs - alarm.onsetMs) <= SAME_CAUSE_MS)
    .sort((a, b) => a.onsetMs - b.onsetMs || (a.regressionId < b.regressionId ? -1 : 1))
  const same = near.find((other) => other.subject === alarm.subject)
  if (same !== undefined) return { kind: 'join', regressionId: same.regressionId }
  const below = near.filter((other) => dependsOn(dependencies, alarm.subject, other.subject))
  // Of several the deepest: the one that no other of them lies below.
  const deepest = below.find(
    (other) => !below.some((another) => dependsOn(dependencies, other.subject, another.subject)),
  )
  const cause = deepest ?? below[0]
  if (cause !== undefined) return { kind: 'join', regressionId: cause.regressionId }
  const above = near.filter((other) => dependsOn(dependencies, other.subject, alarm.subject))
  const [first, ...rest] = above
  if (first === undefined) return { kind: 'new' }
  return { kind: 'cause', regressionId: first.regressionId, explained: rest.map(({ regressionId }) => regressionId) }
}
