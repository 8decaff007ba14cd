import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { oidcVerifier } from './oidc.ts'

let server: Server
let issuer: string
let key: CryptoKey
let requests = 0

beforeAll(async () => {
  const pair = await generateKeyPair('ES256')
  key = pair.privateKey
  const jwks = { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' }] }
  server = createServer((request, response) => {
    requests += 1
    const document = request.url === '/keys' ? jwks : { issuer, jwks_uri: `${issuer}/keys` }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(document))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

const token = (
  claims: Record<string, unknown>,
  { expires = '5m', audience = 'plimsoll', by = key, from = issuer } = {},
) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setIssuer(from)
    .setAudience(audience)
    .setSubject('ada')
    .setExpirationTime(expires)
    .sign(by)
const verifier = (permissionsClaim = 'scope') =>
  oidcVerifier({ issuer, audience: 'plimsoll', permissionsClaim, known: ['demo:read', 'demo:write'] })

test('a token of the issuer says who calls and what they may', async () => {
  const verify = verifier()
  const principal = await verify(await token({ scope: 'openid demo:read' }))
  expect(principal).toEqual({ kind: 'oidc', name: 'ada', permissions: new Set(['demo:read']) })
  const before = requests
  await verify(await token({ scope: 'demo:read' }))
  expect(requests).toBe(before)
})

test('permissions can come from another claim, as a list', async () => {
  const principal = await verifier('roles')(await token({ roles: ['demo:*', 7] }))
  expect(principal?.permissions).toEqual(new Set(['demo:read', 'demo:write']))
})

test('what is no JWT is left to the other verifiers', async () => {
  expect(await verifier()('plm_abc.def')).toBeUndefined()
})

test.each([
  ['expired', { expires: '-1m' }],
  ['for somebody else', { audience: 'other' }],
  ['of another issuer', { from: 'https://other.example' }],
])('a token that is %s is refused', async (_, options) => {
  await expect(verifier()(await token({}, options))).rejects.toMatchObject({ status: 401 })
})

test('a token signed by somebody else is refused, and so is one that is not signed', async () => {
  const { privateKey } = await generateKeyPair('ES256')
  await expect(verifier()(await token({}, { by: privateKey }))).rejects.toMatchObject({ status: 401 })
  const [, payload] = (await token({})).split('.')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  await expect(verifier()(`${none}.${payload}.`)).rejects.toMatchObject({ status: 401 })
})

test("an issuer that does not answer is our trouble, not the caller's", async () => {
  const verify = oidcVerifier({
    issuer: 'http://127.0.0.1:1',
    audience: undefined,
    permissionsClaim: 'scope',
    known: [],
  })
  await expect(verify(await token({}))).rejects.toMatchObject({ status: 503 })
})
