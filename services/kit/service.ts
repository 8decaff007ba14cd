import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Static, TObject, TSchema } from 'typebox'
import type { Principal } from './auth/principal.ts'
import type { Cache } from './cache.ts'
import type { Clock } from './clock.ts'
import type { ReaderDatabase, WorkerDatabase } from './db/database.ts'
import type { Processor, Ticker } from './lanes/processor.ts'
import type { EventLog } from './log/log.ts'
import type { Metrics } from './telemetry/metrics.ts'

/** What a service's own code is given at start-up. `Tables` are its Kysely tables. */
export type ServiceContext<Config = unknown, Tables = unknown> = {
  readonly config: Readonly<Config>
  /** Writes, as the service's `_worker` role, in its own schema. */
  readonly db: WorkerDatabase<Tables>
  /** Reads only, as the service's `_reader` role: what GET handlers get. */
  readonly reader: ReaderDatabase<Tables>
  readonly log: EventLog
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly cache: Cache
}

export type RouteSchema = {
  readonly summary: string
  readonly description?: string
  readonly querystring?: TObject
  readonly params?: TObject
  readonly headers?: TObject
  readonly body?: TSchema
  /** By status code. Always stated; problems (4xx, 5xx) are added by kit. */
  readonly response: Readonly<Record<number, TSchema>>
}

/** One route, one file. `permission` is checked before the handler runs; a route without one stops start-up. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'
  /** Whole path, e.g. `/v1/performance/regressions`. */
  readonly url: string
  /** `public` needs no principal: health, the page's static files. */
  readonly permission: string
  readonly schema: RouteSchema
  /** `raw`: `request.body` is the undecoded Buffer whatever its content type and encoding. */
  readonly body?: 'json' | 'raw'
  /** Larger bodies are refused with 413. 1 MiB unless given. */
  readonly bodyLimitBytes?: number
  /**
   * Where senders of this protocol put their key when they cannot be told to send `Authorization: Bearer KEY`: undefined
   * when it is not there. Asked once the body is read, which is why such routes limit it.
   */
  readonly senderKey?: (request: FastifyRequest) => string | undefined
  /** `none`: the handler limits by what it measures itself (bytes, samples), not by requests. */
  readonly rateLimit?: 'principal' | 'none'
  readonly handler: (request: FastifyRequest, reply: FastifyReply, principal: Principal) => unknown
}

type Manifest<Schema extends TObject, Context> = {
  readonly name: string
  readonly config: Schema
  /** Permission -> what it allows, in words. Routes may name only these (or `public`). */
  readonly permissions: Readonly<Record<string, string>>
  /** Folder of forward-only Kysely migrations, `0001_name.ts` each exporting `up`. */
  readonly migrations?: URL
  readonly processors?: (context: Context) => readonly Processor<unknown>[]
  readonly tickers?: (context: Context) => readonly Ticker<unknown>[]
  readonly routes?: (context: Context) => readonly Route[]
  /**
   * Anything else that runs while the service does. Called before lanes and HTTP start; the function it returns stops it
   * while HTTP closes (no new connections, requests under way), before the log and the pools close.
   */
  readonly start?: (context: Context) => Promise<() => Promise<void>>
}

/** The manifest: everything `run` needs to know of a service. */
export type Service<Schema extends TObject = TObject, Tables = unknown> = Manifest<
  Schema,
  ServiceContext<Static<Schema>, Tables>
>

/** Any service, as `run` takes it: what its context is of is the service's own affair. */
export type AnyService = Manifest<TObject, never>
