import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { WorkerDatabase } from '../db/database.ts'
import { appError } from '../errors.ts'
import type { TokenVerifier } from './authenticate.ts'
import { expandScopes } from './permissions.ts'
import type { Principal } from './principal.ts'

export type AccessTables = { readonly api_key: ApiKeyTable }

type ApiKeyTable = {
  readonly prefix: string
  readonly name: string
  /** SHA-256 of the secret: 256 random bits need no slow hash. */
  readonly secret_hash: Buffer
  readonly scopes: string[]
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
}

export type ApiKeyInfo = {
  readonly prefix: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
}

export type NewApiKey = { readonly name: string; readonly scopes: readonly string[]; readonly expiresAt?: Date }

/** A key as it is handed out, once: `plm_<prefix>.<secret>`. */
const keyForm = /^plm_([a-z0-9]{10})\.([\w-]{43})$/

const hash = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** Makes a key and returns it; it is stored as a hash and cannot be shown again. */
export async function createApiKey(db: WorkerDatabase<AccessTables>, key: NewApiKey, clock: Clock): Promise<string> {
  const prefix = randomBytes(8).toString('hex').slice(0, 10)
  const secret = randomBytes(32).toString('base64url')
  const row = {
    prefix,
    name: key.name,
    secret_hash: hash(secret),
    scopes: [...key.scopes],
    created_at: new Date(clock.now()),
    expires_at: key.expiresAt ?? null,
    revoked_at: null,
  }
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('api_key')
    .values(row)
    .onConflict((conflict) => conflict.column('name').where('revoked_at', 'is', null).doNothing())
    .executeTakeFirstOrThrow()
  if (!numInsertedOrUpdatedRows) {
    throw appError(
      'conflict',
      `There is a key named ${key.name} already: choose another name, or revoke that one first.`,
    )
  }
  return `plm_${prefix}.${secret}`
}

export async function listApiKeys(db: WorkerDatabase<AccessTables>): Promise<ApiKeyInfo[]> {
  const rows = await db.selectFrom('api_key').selectAll().orderBy('created_at').execute()
  return rows.map(({ prefix, name, scopes, created_at, expires_at, revoked_at }) => ({
    prefix,
    name,
    scopes,
    createdAt: created_at,
    expiresAt: expires_at,
    revokedAt: revoked_at,
  }))
}

/** Ends every key of this name or prefix. Processes notice within `rememberMs` of `apiKeyVerifier`. */
export async function revokeApiKey(
  db: WorkerDatabase<AccessTables>,
  nameOrPrefix: string,
  clock: Clock,
): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('api_key')
    .set({ revoked_at: new Date(clock.now()) })
    .where((where) => where.or([where('name', '=', nameOrPrefix), where('prefix', '=', nameOrPrefix)]))
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(numUpdatedRows)
}

/** True when a key exists that is still good for something. */
export async function hasApiKeys(db: WorkerDatabase<AccessTables>, clock: Clock): Promise<boolean> {
  const keys = await listApiKeys(db)
  return keys.some(
    ({ expiresAt, revokedAt }) => revokedAt === null && (expiresAt === null || expiresAt.getTime() > clock.now()),
  )
}

type Known = { readonly row: ApiKeyTable | undefined; readonly until: number }

/** Accepts the keys in the database. A row is read again after `rememberMs`, so a request does not cost a query. */
export function apiKeyVerifier(options: {
  readonly db: WorkerDatabase<AccessTables>
  readonly known: readonly string[]
  readonly clock: Clock
  readonly rememberMs?: number
}): TokenVerifier {
  const { db, known, clock, rememberMs = 15_000 } = options
  const remembered = new Map<string, Known>()

  async function rowOf(prefix: string): Promise<ApiKeyTable | undefined> {
    const found = remembered.get(prefix)
    if (found !== undefined && found.until > clock.now()) return found.row
    const row = await db.selectFrom('api_key').selectAll().where('prefix', '=', prefix).executeTakeFirst()
    // Made-up prefixes must not fill the memory.
    if (remembered.size >= 10_000) remembered.clear()
    remembered.set(prefix, { row, until: clock.now() + rememberMs })
    return row
  }

  return async (token) => {
    const [, prefix, secret] = keyForm.exec(token) ?? []
    if (prefix === undefined || secret === undefined) return undefined
    const row = await rowOf(prefix)
    if (row === undefined || !timingSafeEqual(row.secret_hash, hash(secret))) return undefined
    if (row.revoked_at !== null) throw appError('unauthenticated', `The API key ${row.name} was revoked.`)
    if (row.expires_at !== null && row.expires_at.getTime() <= clock.now()) {
      throw appError(
        'unauthenticated',
        `The API key ${row.name} expired on ${row.expires_at.toISOString()}: make a new one.`,
      )
    }
    return { kind: 'api-key', name: row.name, permissions: expandScopes(row.scopes, known) }
  }
}

/** Accepts the one key of the configuration, with every permission: to set an installation up from nothing. */
export function bootstrapVerifier(key: string, known: readonly string[]): TokenVerifier {
  const expected = hash(key)
  const principal: Principal = { kind: 'api-key', name: 'bootstrap', permissions: new Set(known) }
  return async (token) => (timingSafeEqual(hash(token), expected) ? principal : undefined)
}
