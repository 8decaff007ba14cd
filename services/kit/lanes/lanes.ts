import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { WorkerDatabase } from '../db/database.ts'
import { AppError, describeError } from '../errors.ts'
import type { EventLog } from '../log/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { backoffMs, pause } from './backoff.ts'
import {
  acquire,
  announceMember,
  defaultLeaseMs,
  ensureLanes,
  halt,
  type LaneKey,
  type LaneRow,
  type Lease,
  laneName,
  leaseLost,
  listLanes,
  release,
  removeMember,
  renew,
} from './lease.ts'
import { laneMetrics } from './metrics.ts'
import type { Processor, Ticker } from './processor.ts'
import { tickLane } from './ticker.ts'
import { createTurns } from './turns.ts'
import { type Shell, workLane } from './worker.ts'

export type LanesOptions = {
  readonly service: string
  readonly processors: readonly Processor<unknown>[]
  readonly tickers: readonly Ticker<unknown>[]
  /** Over the service's worker pool, its schema migrated. */
  readonly db: WorkerDatabase<unknown>
  readonly log: EventLog
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** Unique per process and start; made up when left out. */
  readonly owner?: string
  /** How often lanes are looked over, leases renewed and free ones taken. */
  readonly scanMs?: number
  /** How long the lanes of a process that died stay with it. */
  readonly leaseMs?: number
}

export type LaneStatus = LaneKey & {
  /** `here`: worked by this process; `retrying`: by this process, after an error; `elsewhere`: by another or nobody. */
  readonly state: 'here' | 'retrying' | 'elsewhere' | 'halted'
  /** Why it is retrying or halted. */
  readonly reason?: string
}

export type Lanes = {
  /** Stops taking messages, finishes and relays what is under way, and gives the leases up. */
  stop(): Promise<void>
  status(): LaneStatus[]
}

/**
 * Lanes of a process that handle and commit a batch at the same time. What a batch becomes on its way to the database is
 * many times its own size, and all lanes at once would keep 16 of them; three keep this thread and the database busy.
 */
const lanesAtOnce = 3

/** A processor or ticker, as far as spreading its lanes is concerned. */
type Work = {
  readonly name: string
  readonly version: number
  readonly lanes: number
  run(lease: Lease, stop: AbortSignal, progress: () => void): Promise<void>
}

/** A lane this process works, or is trying to. */
type Session = {
  readonly key: LaneKey
  readonly stop: AbortController
  epoch: number
  problem?: string
  done: Promise<void>
}

/**
 * Works the lanes of a service's processors and tickers in this process, sharing them with the other processes of the
 * service: each takes up to its fair part, gives up what is more, and takes over what a dead one left.
 * @example const lanes = await startLanes({ service: 'performance', processors, tickers, db, log, clock, logger, metrics })
 */
export async function startLanes(options: LanesOptions): Promise<Lanes> {
  const { service, db, logger, owner = crypto.randomUUID(), scanMs = 1_000, leaseMs = defaultLeaseMs } = options
  const metrics = laneMetrics(options.metrics, service)
  const shell: Shell = {
    service,
    db,
    log: options.log,
    clock: options.clock,
    logger,
    metrics,
    turn: createTurns(lanesAtOnce),
  }
  const work = workOf(shell, options.processors, options.tickers)
  for (const { name, version, lanes } of work) await ensureLanes(db, name, version, lanes)

  const sessions = new Map<string, Session>()
  const stopping = new AbortController()
  let rows: readonly LaneRow[] = []

  async function scan(): Promise<void> {
    const members = await announceMember(db, owner, leaseMs)
    const worked = [...sessions.values()].map(({ key }) => key)
    await renew(db, owner, worked, leaseMs)
    rows = await listLanes(db)
    for (const row of rows) {
      const session = sessions.get(laneName(row))
      // Taken over while this process slept: its commits are fenced, and it should not go on reading either.
      if (session && session.epoch > 0 && session.epoch < row.epoch && row.owner !== owner)
        session.stop.abort(leaseLost)
    }
    if (stopping.signal.aborted) return
    for (const one of work) balance(one, Math.ceil(one.lanes / members))
  }

  function balance(one: Work, fairShare: number): void {
    const mine = [...sessions.values()].filter(({ key }) => key.processor === one.name && key.version === one.version)
    for (const { stop } of mine.slice(fairShare)) stop.abort()
    const free = rows.filter((row) => {
      metrics.halted(row, row.haltedReason !== null)
      const own = row.processor === one.name && row.version === one.version && row.lane < one.lanes
      return own && !row.leased && row.haltedReason === null && !sessions.has(laneName(row))
    })
    for (const row of free.slice(0, Math.max(0, fairShare - mine.length))) start(one, row)
  }

  function start(one: Work, { processor, version, lane }: LaneKey): void {
    const key = { processor, version, lane }
    const session: Session = { key, stop: new AbortController(), epoch: 0, done: Promise.resolve() }
    sessions.set(laneName(key), session)
    session.done = runSession(one, session).finally(() => {
      sessions.delete(laneName(key))
      metrics.forget(key)
    })
  }

  /** Acquires the lane and works it; after an error again, from what is committed, for as long as it can be had. */
  async function runSession(one: Work, session: Session): Promise<void> {
    const { key, stop } = session
    for (let failures = 0; !stop.signal.aborted; failures++) {
      let lease: Lease | undefined
      try {
        lease = await acquire(db, key, owner, leaseMs)
        if (!lease) return
        session.epoch = lease.epoch
        await one.run(lease, stop.signal, () => {
          failures = 0
          delete session.problem
        })
        return await release(db, lease)
      } catch (error) {
        if (codeOf(error) === 'lane-fenced') {
          logger.info({ lane: laneName(key) }, describeError(error))
          return
        }
        if (lease && haltsLane(error)) return await haltLane(lease, error)
        session.problem = describeError(error)
        metrics.retried(key)
        logger.warn({ err: error, lane: laneName(key), failures }, 'a lane paused and will try again')
        await pause(backoffMs(failures), stop.signal)
        if (lease && stop.signal.aborted) await release(db, lease).catch(() => undefined)
      }
    }
  }

  async function haltLane(lease: Lease, error: unknown): Promise<void> {
    const reason = describeError(error)
    logger.fatal({ err: error, lane: laneName(lease) }, 'a lane halted: see tools/rebuild')
    metrics.halted(lease, true)
    // If the database is away now, the lane will be acquired again and halt then.
    await halt(db, lease, reason).catch(() => undefined)
  }

  await scan()
  let scanning: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    scanning = scanning
      .then(scan)
      .catch((error: unknown) => logger.warn({ err: error }, 'could not look the lanes over'))
  }, scanMs)

  return {
    async stop() {
      stopping.abort()
      clearInterval(timer)
      await scanning
      for (const { stop } of sessions.values()) stop.abort()
      await Promise.all([...sessions.values()].map(({ done }) => done))
      await removeMember(db, owner)
    },
    status: () => rows.map((row) => statusOf(row, sessions.get(laneName(row)))),
  }
}

function workOf(shell: Shell, processors: readonly Processor<unknown>[], tickers: readonly Ticker<unknown>[]): Work[] {
  return [
    ...processors.map((processor) => ({
      name: processor.name,
      version: processor.version,
      lanes: shell.log.lanes,
      run: (lease: Lease, stop: AbortSignal, progress: () => void) => workLane(shell, processor, lease, stop, progress),
    })),
    ...tickers.map((ticker) => ({
      name: ticker.name,
      version: ticker.version,
      lanes: ticker.lanes,
      run: (lease: Lease, stop: AbortSignal, progress: () => void) => tickLane(shell, ticker, lease, stop, progress),
    })),
  ]
}

function statusOf({ processor, version, lane, haltedReason }: LaneRow, session: Session | undefined): LaneStatus {
  const key = { processor, version, lane }
  if (haltedReason !== null) return { ...key, state: 'halted', reason: haltedReason }
  if (!session) return { ...key, state: 'elsewhere' }
  return session.problem === undefined
    ? { ...key, state: 'here' }
    : { ...key, state: 'retrying', reason: session.problem }
}

const codeOf = (error: unknown) => (error instanceof AppError ? error.code : undefined)

/** Errors no retry can mend: the stream is another one, or a message is poison and the processor halts on it. */
const haltsLane = (error: unknown) => ['incarnation-changed', 'poison'].includes(codeOf(error) ?? '')
