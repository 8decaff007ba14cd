import type { FastifyRequest } from 'fastify'
import { appError } from '../errors.ts'
import type { Principal } from './principal.ts'

/** Checks one kind of credentials: undefined when the token is not of its kind, else the caller or a rejection. */
export type TokenVerifier = (token: string) => Promise<Principal | undefined>

export type AuthenticatorOptions = {
  readonly verifiers: readonly TokenVerifier[]
  /** Set on a loopback-only installation: who a caller without credentials is. */
  readonly local: Principal | undefined
}

/** A key found where a protocol puts it (`Route.senderKey`), if it was there. */
export type SenderKey = { readonly key: string | undefined }

/** Who is calling; rejects with `unauthenticated` or `forbidden`. */
export type Authenticate = (request: FastifyRequest, senderKey?: SenderKey) => Promise<Principal>

/**
 * `Authorization: Bearer TOKEN`, or Basic with the token as password, which every sender can be set to. With a `senderKey`
 * that is the token instead. SDKs cannot be started without a key, so on a loopback-only installation an unknown one
 * counts as none.
 */
export function createAuthenticator({ verifiers, local }: AuthenticatorOptions): Authenticate {
  return async (request, senderKey) => {
    const token = senderKey === undefined ? tokenOf(request.headers.authorization) : senderKey.key
    if (token !== undefined) {
      for (const verify of verifiers) {
        const principal = await verify(token)
        if (principal !== undefined) return principal
      }
    }
    if (local !== undefined && (token === undefined || senderKey !== undefined)) {
      refuseForeignPages(request)
      return local
    }
    throw appError(
      'unauthenticated',
      token === undefined
        ? 'Send an API key: "Authorization: Bearer KEY". Make one with: npm start -- keys create NAME'
        : 'The API key or token is not valid here, or no longer: check it for completeness, or make a new one.',
    )
  }
}

function tokenOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined
  const [scheme = '', value = ''] = authorization.trim().split(/\s+/, 2)
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return value
    case 'basic': {
      const pair = Buffer.from(value, 'base64').toString('utf8')
      return pair.slice(pair.indexOf(':') + 1)
    }
    default:
      throw appError(
        'unauthenticated',
        `"${scheme.slice(0, 20)}" credentials are not taken: use Bearer, or Basic with the key as password.`,
      )
  }
}

const loopbackNames = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/**
 * Without credentials the network decides who may call, and a web page open in the user's browser is inside it. So a
 * foreign site may neither reach us under its own name (DNS rebinding) nor send us anything (forged requests).
 */
function refuseForeignPages({ headers }: FastifyRequest): void {
  const { host = '', origin } = headers
  const foreignName = !loopbackNames.test(host)
  const foreignOrigin = origin !== undefined && origin !== `http://${host}`
  if (foreignName || foreignOrigin || headers['sec-fetch-site'] === 'cross-site') {
    throw appError(
      'forbidden',
      'Without credentials only this machine is answered, under a loopback name. Send an API key.',
    )
  }
}
