import { type ActualStream, type Change, diffStream, lanesOf } from '@plimsoll/contracts/stream-diff.ts'
import { type StreamDefinition, streamsOf } from '@plimsoll/contracts/streams.ts'

/** What `apply` would do to a broker, stream by stream. */
export type Plan = {
  readonly create: readonly StreamDefinition[]
  readonly update: readonly StreamDefinition[]
  readonly changes: readonly Change[]
  /** Why nothing may be applied, in words; empty when all may. */
  readonly refusals: readonly string[]
}

export type PlanOptions = {
  readonly replicas: number | undefined
  /** Of an installation that has no stream yet; one that has keeps its own. */
  readonly lanes: number
  readonly allowShrink: boolean
}

/**
 * Compares the definitions with the streams a broker has. Without `replicas` a stream keeps the number it has, and a
 * new one gets 1. All or nothing: one refusal and nothing is applied.
 */
export function planStreams(actual: readonly ActualStream[], options: PlanOptions): Plan {
  const byName = new Map(actual.map((stream) => [stream.name, stream]))
  const changes: Change[] = []
  const create: StreamDefinition[] = []
  const update: StreamDefinition[] = []
  for (const definition of Object.values(streamsOf(lanesOf(actual) ?? options.lanes))) {
    const present = byName.get(definition.name)
    const found = diffStream(definition, present, replicasOf(present, options.replicas))
    changes.push(...found)
    if (present === undefined) create.push(definition)
    else if (found.length > 0) update.push(definition)
  }
  return { create, update, changes, refusals: changes.flatMap((change) => refusal(change, options.allowShrink)) }
}

export function replicasOf(present: ActualStream | undefined, asked: number | undefined): number {
  return asked ?? present?.replicas ?? 1
}

function refusal(change: Change, allowShrink: boolean): string[] {
  const { stream, field, from, to, kind, why } = change
  if (kind === 'refuse') return [`${stream}: ${field} cannot go from ${from} to ${to}: ${why}`]
  if (kind === 'shrink' && !allowShrink) {
    return [`${stream}: ${field} would shrink from ${from} to ${to}: say --allow-shrink if that is meant`]
  }
  return []
}

/** One line per change, as `diff` and `apply` print them. */
export function describeChange({ stream, field, from, to, kind }: Change): string {
  return kind === 'create'
    ? `+ ${stream}: ${to}`
    : `~ ${stream}: ${field} ${from} -> ${to}${kind === 'update' ? '' : ` (${kind})`}`
}
