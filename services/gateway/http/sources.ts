import type { Clock } from '@plimsoll/kit/clock.ts'
import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import type { Route } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import type { PullState } from '../pull/puller.ts'
import { adviceOn } from '../sources/advice.ts'
import { type Intakes, noIntakes, type SourceEntry, type SourceLedger } from '../sources/ledger.ts'
import { readSources, type SavedRefusal, type SavedSource } from '../store/sources.ts'
import type { GatewayTables } from '../store/tables.ts'

const refusal = Type.Object({
  reason: Type.String({ description: 'One of a fixed set, also a label of plimsoll_gateway_refused_total.' }),
  count: Type.Integer(),
  advice: Type.String({ description: 'What the sender has to change.' }),
  lastExample: Type.String(),
  lastAt: Type.String({ format: 'date-time' }),
})

const source = Type.Object({
  source: Type.String({ description: 'Name of the credential, the pull source, or `local`.' }),
  protocol: Type.String(),
  requests: Type.Integer(),
  repeats: Type.Integer({
    description: 'Requests, of usage events, that came again: nothing of them was stored twice.',
  }),
  bytes: Type.Integer({ description: 'Of bodies as they came, compressed.' }),
  samples: Type.Integer(),
  histograms: Type.Integer(),
  exemplars: Type.Integer({ description: 'Read and counted, not kept.' }),
  spans: Type.Integer(),
  events: Type.Integer({ description: 'Alerts, deployments and other facts.' }),
  perSecond: Type.Number({
    description: 'Samples, histograms, spans and events in this process, over the last minute.',
  }),
  lastSeenAt: Type.String({ format: 'date-time' }),
  lagMs: Type.Union([Type.Number(), Type.Null()], {
    description: 'From the newest event time to the moment it was received; high while history is being filled in.',
  }),
  refused: Type.Array(refusal),
})

const pull = Type.Object({
  source: Type.String(),
  activity: Type.String({ description: 'reading, waiting, standby (another replica reads) or failing.' }),
  pulledUntil: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'Everything up to here is durable.',
  }),
  metrics: Type.Integer({ description: 'Metrics read.' }),
  problem: Type.Union([Type.String(), Type.Null()], { description: 'What keeps it from reading, and what to do.' }),
})

/** How each pull stands, by the name of its source. */
export type PullStates = Map<string, PullState>

/** Everything that arrived and everything that was refused, by source and protocol. */
export function sourcesRoute(
  reader: ReaderDatabase<GatewayTables>,
  ledger: SourceLedger,
  pulls: PullStates,
  clock: Clock,
): Route {
  return {
    method: 'GET',
    url: '/v1/gateway/sources',
    permission: 'gateway:read',
    schema: {
      summary: 'What arrives, how fast, how late, and what was refused and why',
      description: 'Counts add up over restarts. Sources that send are few: there is one page.',
      response: { 200: Type.Object({ items: Type.Array(source), next: Type.Null(), pulls: Type.Array(pull) }) },
    },
    async handler() {
      const live = new Map(ledger.entries().map((entry) => [keyOf(entry), entry]))
      const saved = new Map((await readSources(reader)).map((entry) => [keyOf(entry), entry]))
      const items = [...new Set([...saved.keys(), ...live.keys()])]
        .sort()
        .map((key) => itemOf(saved.get(key), live.get(key), ledger, clock))
      return { items, next: null, pulls: [...pulls].map(pullOf) }
    },
  }
}

function pullOf([name, { activity, pulledUntilMs, metrics, problem }]: [string, PullState]): Static<typeof pull> {
  const pulledUntil = pulledUntilMs === undefined ? null : new Date(pulledUntilMs).toISOString()
  return { source: name, activity, pulledUntil, metrics, problem: problem ?? null }
}

const keyOf = ({ source, protocol }: { source: string; protocol: string }): string => `${source}\u0000${protocol}`

/** What the database holds and what this process counted since it last saved. */
function itemOf(
  saved: SavedSource | undefined,
  live: SourceEntry | undefined,
  ledger: SourceLedger,
  clock: Clock,
): Static<typeof source> {
  const counts: Intakes = { ...(saved?.counts ?? noIntakes()) }
  if (live !== undefined)
    for (const name of Object.keys(counts) as (keyof Intakes)[]) counts[name] += live.unsaved[name]
  const lastSeenMs = Math.max(live?.lastSeenMs ?? 0, saved?.lastSeenMs ?? 0)
  const lastEventMs = Math.max(
    live?.lastEventMs ?? Number.NEGATIVE_INFINITY,
    saved?.lastEventMs ?? Number.NEGATIVE_INFINITY,
  )
  return {
    source: live?.source ?? saved?.source ?? '',
    protocol: live?.protocol ?? saved?.protocol ?? '',
    ...counts,
    perSecond: live === undefined ? 0 : ledger.ratePerSecond(live),
    lastSeenAt: new Date(lastSeenMs || clock.now()).toISOString(),
    lagMs: Number.isFinite(lastEventMs) ? Math.max(0, lastSeenMs - lastEventMs) : null,
    refused: refusalsOf(saved?.refused ?? [], live),
  }
}

function refusalsOf(saved: readonly SavedRefusal[], live: SourceEntry | undefined): Static<typeof refusal>[] {
  const merged = new Map<string, SavedRefusal>(saved.map((one) => [one.reason, one]))
  for (const [reason, { unsaved, example, atMs }] of live?.refused ?? []) {
    merged.set(reason, { reason, count: (merged.get(reason)?.count ?? 0) + unsaved, example, atMs })
  }
  return [...merged.values()].map(({ reason, count, example, atMs }) => ({
    reason,
    count,
    advice: adviceOn(reason),
    lastExample: example,
    lastAt: new Date(atMs).toISOString(),
  }))
}
