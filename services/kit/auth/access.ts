import type { Logger } from 'pino'
import type { Cache } from '../cache.ts'
import type { Clock } from '../clock.ts'
import type { KitConfig } from '../config.ts'
import { migrateService } from '../db/migrate.ts'
import { openDatabase, type ServiceDatabase } from '../db/pool.ts'
import { appError } from '../errors.ts'
import { type AccessTables, apiKeyVerifier, bootstrapVerifier, hasApiKeys } from './apikeys.ts'
import { type Authenticate, createAuthenticator } from './authenticate.ts'
import { oidcVerifier } from './oidc.ts'
import type { Principal } from './principal.ts'

/** The schema that API keys live in. */
const schema = 'access'

export type Access = {
  readonly authenticate: Authenticate
  readonly limit: (principal: Principal) => Promise<void>
}

/** Brings the schema of API keys up to date and opens it. */
export async function openAccessDatabase(url: string, logger?: Logger): Promise<ServiceDatabase<AccessTables>> {
  await migrateService({ url, service: schema, migrations: new URL('migrations/', import.meta.url), logger })
  return openDatabase<AccessTables>({ url, service: schema, workerConnections: 2, readerConnections: 1, logger })
}

/**
 * Who may call, by the configuration: API keys, an issuer's JWTs, and, only while nothing but loopback is listened on,
 * anybody on this machine. Rejects (`configuration`) when the address is reachable and nobody could sign in.
 */
export async function createAccess(options: {
  readonly config: KitConfig
  readonly db: ServiceDatabase<AccessTables>
  readonly cache: Cache
  readonly clock: Clock
  /** Every permission there is, for `*` and for the local user. */
  readonly known: readonly string[]
}): Promise<Access> {
  const { config, db, cache, clock, known } = options
  const required = config.AUTH_REQUIRED || !isLoopback(config.HOST)
  const oidc = config.OIDC_ISSUER
  const bootstrap = config.BOOTSTRAP_API_KEY
  if (required && oidc === undefined && bootstrap === undefined && !(await hasApiKeys(db.worker, clock))) {
    throw appError(
      'configuration',
      `HOST is ${config.HOST} and nobody could sign in: make an API key first (npm start -- keys create NAME), or set OIDC_ISSUER or BOOTSTRAP_API_KEY.`,
    )
  }
  const authenticate = createAuthenticator({
    verifiers: [
      apiKeyVerifier({ db: db.worker, known, clock }),
      ...(bootstrap === undefined ? [] : [bootstrapVerifier(bootstrap, known)]),
      ...(oidc === undefined
        ? []
        : [
            oidcVerifier({
              issuer: oidc,
              audience: config.OIDC_AUDIENCE,
              permissionsClaim: config.OIDC_PERMISSIONS_CLAIM,
              known,
            }),
          ]),
    ],
    local: required ? undefined : { kind: 'local', name: 'local', permissions: new Set(known) },
  })
  return { authenticate, limit: limiter(cache, config.RATE_LIMIT_PER_MINUTE, clock) }
}

const windowMs = 60_000

/** @internal */
export function limiter(cache: Cache, perMinute: number, clock: Clock): (principal: Principal) => Promise<void> {
  return async ({ kind, name }) => {
    // The only user of this machine's installation needs no protection from itself.
    if (kind === 'local' || perMinute === 0) return
    const window = Math.floor(clock.now() / windowMs)
    const calls = await cache.increment(`rate:${kind}:${name}:${window}`, windowMs)
    if (calls <= perMinute) return
    const retryAfterMs = (window + 1) * windowMs - clock.now()
    throw appError('rate-limited', `${name} has made its ${perMinute} requests of this minute.`, { retryAfterMs })
  }
}

export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/.test(host)
