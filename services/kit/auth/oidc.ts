import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { appError } from '../errors.ts'
import type { TokenVerifier } from './authenticate.ts'
import { expandScopes } from './permissions.ts'

export type OidcOptions = {
  readonly issuer: string
  readonly audience: string | undefined
  /** Claim with the scopes: a list, or a text with spaces between them. */
  readonly permissionsClaim: string
  readonly known: readonly string[]
}

// Signatures with a public key only: a shared secret would let every verifier sign.
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** Accepts an issuer's JWTs. Its keys are found by OpenID Connect Discovery at the first token and renewed by need. */
export function oidcVerifier(options: OidcOptions): TokenVerifier {
  const { issuer, audience, permissionsClaim, known } = options
  let keys: Promise<JWTVerifyGetKey> | undefined
  return async (token) => {
    if (token.split('.').length !== 3) return undefined
    keys ??= discoverKeys(issuer)
    const getKey = await keys.catch((error: unknown) => {
      keys = undefined
      throw appError('unavailable', `The issuer ${issuer} does not tell its keys at the moment. Try again shortly.`, {
        cause: error,
        retryAfterMs: 5_000,
      })
    })
    const payload = await verify(token, getKey, {
      issuer,
      algorithms,
      clockTolerance: 10,
      requiredClaims: ['sub', 'exp'],
      ...(audience && { audience }),
    })
    return {
      kind: 'oidc',
      name: String(payload.sub),
      permissions: expandScopes(scopesOf(payload[permissionsClaim]), known),
    }
  }
}

async function verify(
  token: string,
  getKey: JWTVerifyGetKey,
  options: Parameters<typeof jwtVerify>[2],
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, getKey, options)).payload
  } catch (error) {
    if (error instanceof errors.JWKSTimeout)
      throw appError('unavailable', "The issuer's keys could not be read in time.", { cause: error })
    throw appError('unauthenticated', `The token was refused: ${error instanceof Error ? error.message : error}.`, {
      cause: error,
    })
  }
}

async function discoverKeys(issuer: string): Promise<JWTVerifyGetKey> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  const document = (await response.json()) as { issuer?: string; jwks_uri?: string }
  if (document.issuer !== issuer || document.jwks_uri === undefined)
    throw new Error(`${url} is not the configuration of ${issuer}`)
  return createRemoteJWKSet(new URL(document.jwks_uri))
}

function scopesOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(/\s+/)
  return Array.isArray(claim) ? claim.filter((scope) => typeof scope === 'string') : []
}
