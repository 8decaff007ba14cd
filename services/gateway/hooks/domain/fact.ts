import { createHash } from 'node:crypto'
import type { EventValue } from '@plimsoll/contracts/events.ts'

export type AlertValue = EventValue<'plimsoll.incident.v1.AlertReceived'>
export type DeploymentValue = EventValue<'plimsoll.incident.v1.DeploymentRecorded'>

type Named<T extends string, Value> = {
  readonly type: T
  /** Deterministic: the same statement by the same sender has the same id, whenever and however often it comes. */
  readonly id: string
  /** Event time, ms since the epoch. Of two facts of one episode the later one by this time is its state. */
  readonly time: number
  readonly value: Value
}

/** A fact a hook's body states, for INCIDENT. */
export type Fact =
  | Named<'plimsoll.incident.v1.AlertReceived', AlertValue>
  | Named<'plimsoll.incident.v1.DeploymentRecorded', DeploymentValue>

/** What one body comes to. What is ignored is well formed but states nothing of interest, and `reason` says so. */
export type Mapped = { readonly facts: readonly Fact[]; readonly ignored: readonly Ignored[] }
export type Ignored = { readonly what: string; readonly reason: string }

/** What the request adds to its body. */
export type Reception = {
  /** Name of the credential it came with. */
  readonly source: string
  /** ms since the epoch. */
  readonly receivedAt: number
  /** `?service=` and `?environment=` of the hook's address, for senders that do not state them; else empty. */
  readonly service: string
  readonly environment: string
}

export const mapped = (facts: readonly Fact[]): Mapped => ({ facts, ignored: [] })
export const ignored = (what: string, reason: string): Mapped => ({ facts: [], ignored: [{ what, reason }] })

/** 128 bits of SHA-256 over the parts, in hex; NUL keeps ("a", "bc") apart from ("ab", "c"). */
export const identity = (parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\u0000')).digest('hex').slice(0, 32)

/** The first non-empty of a map's values under `names`. */
export function firstOf(values: Readonly<Record<string, string>>, names: readonly string[]): string {
  for (const name of names) {
    const value = values[name]
    if (value !== undefined && value !== '') return value
  }
  return ''
}

/** Labels that state the environment, the most deliberate first; `namespace` is what every Kubernetes target has. */
const environmentLabels = [
  'deployment.environment.name',
  'deployment_environment_name',
  'environment',
  'env',
  'namespace',
] as const

export const environmentOf = (labels: Readonly<Record<string, string>>): string => firstOf(labels, environmentLabels)
