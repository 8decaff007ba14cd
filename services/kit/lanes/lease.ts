import { type RawBuilder, sql } from 'kysely'
import type { WorkerDatabase, WorkerTransaction } from '../db/database.ts'
import { appError } from '../errors.ts'

/** A lane of one version of a processor or ticker; the row's key in the service's `lane` table. */
export type LaneKey = { readonly processor: string; readonly version: number; readonly lane: number }

/** The right to work a lane, and the point it starts from. */
export type Lease = LaneKey & {
  /** Rises with each acquisition; a commit under an older one fails. */
  readonly epoch: number
  /** Last sequence whose effects are committed (for tickers: ticks done), 0 before the first. */
  readonly seq: number
  /** Broker's time of the message at `seq`, ms since the epoch. */
  readonly seqTimeMs: number | undefined
  /** The stream's `createdAt` when `seq` was committed. */
  readonly incarnation: string | undefined
  /** How long the lease runs from each acquisition, renewal and commit on. */
  readonly leaseMs: number
}

export type LaneRow = LaneKey & {
  readonly seq: number
  readonly epoch: number
  readonly owner: string | null
  /** Whether the owner's lease still runs. */
  readonly leased: boolean
  readonly haltedReason: string | null
}

/** Why a lane's work is called off when another process has taken it: unlike a stop, nothing may be finished. */
export const leaseLost = 'lease lost'

/** Long enough to outlive a garbage collection or a failover, short enough that a dead process is soon replaced. */
export const defaultLeaseMs = 15_000

type Database = WorkerDatabase<unknown>

const until = (ms: number) => sql`now() + ${ms} * interval '1 millisecond'`
const is = ({ processor, version, lane }: LaneKey) =>
  sql`processor = ${processor} and version = ${version} and lane = ${lane}`

export async function ensureLanes(db: Database, processor: string, version: number, lanes: number): Promise<void> {
  await sql`
    insert into lane (processor, version, lane)
    select ${processor}, ${version}, generate_series(0, ${lanes - 1}::int)
    on conflict do nothing`.execute(db)
}

/** Takes the lane if nobody holds it (any more); undefined when somebody does or it is halted. */
export function acquire(
  db: Database,
  key: LaneKey,
  owner: string,
  leaseMs: number = defaultLeaseMs,
): Promise<Lease | undefined> {
  return take(db, key, owner, leaseMs, sql`(lease_until is null or lease_until < now() or owner = ${owner})`)
}

/**
 * Takes the lane from whoever has it, for a tool that must work on it now: the owner is fenced, and takes the lane up
 * again once it is released. Undefined when there is no such lane or it is halted.
 */
export function takeOver(db: Database, key: LaneKey, owner: string): Promise<Lease | undefined> {
  return take(db, key, owner, defaultLeaseMs, sql`true`)
}

async function take(
  db: Database,
  { processor, version, lane }: LaneKey,
  owner: string,
  leaseMs: number,
  free: RawBuilder<unknown>,
): Promise<Lease | undefined> {
  const { rows } = await sql<{ epoch: number; seq: number; seq_time: Date | null; incarnation: string | null }>`
    update lane set owner = ${owner}, epoch = epoch + 1, lease_until = ${until(leaseMs)}
    where ${is({ processor, version, lane })} and halted_reason is null and ${free}
    returning epoch, seq, seq_time, incarnation`.execute(db)
  const [row] = rows
  return (
    row && {
      processor,
      version,
      lane,
      epoch: row.epoch,
      seq: row.seq,
      seqTimeMs: row.seq_time?.getTime(),
      incarnation: row.incarnation ?? undefined,
      leaseMs,
    }
  )
}

/**
 * Extends the leases of the lanes the owner is working; one it has stopped working, but could not release, runs out. A
 * lane whose row is locked is being committed, which extends its lease as well: the others must not wait for it.
 */
export async function renew(
  db: Database,
  owner: string,
  keys: readonly LaneKey[],
  leaseMs: number = defaultLeaseMs,
): Promise<void> {
  await sql`
    update lane set lease_until = ${until(leaseMs)}
    from (
      select processor, version, lane from lane
      join unnest(
        ${keys.map(({ processor }) => processor)}::text[],
        ${keys.map(({ version }) => version)}::int[],
        ${keys.map(({ lane }) => lane)}::smallint[]
      ) as worked (processor, version, lane) using (processor, version, lane)
      where owner = ${owner} for update of lane skip locked
    ) as mine
    where lane.processor = mine.processor and lane.version = mine.version and lane.lane = mine.lane`.execute(db)
}

/** Gives the lane up, so that another process can have it at once. */
export async function release(db: Database, lease: Lease): Promise<void> {
  await sql`update lane set owner = null, lease_until = null where ${is(lease)} and epoch = ${lease.epoch}`.execute(db)
}

export type Checkpoint = Pick<Lease, 'seq' | 'seqTimeMs' | 'incarnation'>

/**
 * Moves the checkpoint inside the transaction that holds its effects. Must be its first statement: the row lock it takes
 * keeps a second owner's transaction waiting until this one is decided.
 * @throws AppError `lane-fenced` when the lane was taken over, or its checkpoint is not where this owner left it.
 */
export async function advance(tx: WorkerTransaction, lease: Lease, to: Checkpoint): Promise<void> {
  const { rows } = await sql`
    update lane set seq = ${to.seq}, incarnation = ${to.incarnation ?? null}, lease_until = ${until(lease.leaseMs)},
      seq_time = ${to.seqTimeMs === undefined ? null : new Date(to.seqTimeMs)}
    where ${is(lease)} and epoch = ${lease.epoch} and seq = ${lease.seq}
    returning 1`.execute(tx)
  if (rows.length === 1) return
  throw appError(
    'lane-fenced',
    `${laneName(lease)} was taken over after epoch ${lease.epoch} at sequence ${lease.seq}; its new owner goes on from there.`,
  )
}

/** Stops the lane for everyone until `tools/rebuild` lets it go on. */
export async function halt(db: Database, lease: Lease, reason: string): Promise<void> {
  await sql`
    update lane set halted_reason = ${reason}, halted_at = now(), owner = null, lease_until = null
    where ${is(lease)} and epoch = ${lease.epoch}`.execute(db)
}

/** Says this process is alive and returns how many are, itself included. */
export async function announceMember(db: Database, owner: string, leaseMs: number = defaultLeaseMs): Promise<number> {
  await sql`
    insert into lane_member (owner, seen_until) values (${owner}, ${until(leaseMs)})
    on conflict (owner) do update set seen_until = excluded.seen_until`.execute(db)
  const { rows } = await sql<{ members: number }>`
    select count(*) as members from lane_member where seen_until > now()`.execute(db)
  return rows[0]?.members ?? 1
}

export async function removeMember(db: Database, owner: string): Promise<void> {
  await sql`delete from lane_member where owner = ${owner} or seen_until < now() - interval '1 hour'`.execute(db)
}

export async function listLanes(db: Database): Promise<LaneRow[]> {
  const { rows } = await sql<LaneRow>`
    select processor, version, lane, seq, epoch, owner, coalesce(lease_until > now(), false) as leased,
      halted_reason as "haltedReason"
    from lane order by processor, version, lane`.execute(db)
  return rows
}

/** @example laneName({ processor: 'regression', version: 1, lane: 7 }) // 'regression v1 lane 07' */
export const laneName = ({ processor, version, lane }: LaneKey): string =>
  `${processor} v${version} lane ${String(lane).padStart(2, '0')}`
