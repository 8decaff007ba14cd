import { expect, test } from 'vitest'
import { signedByGithub, signedByGitlab } from './signature.ts'

// The example of GitHub's page on validating webhook deliveries.
const secret = "It's a Secret to Everybody"
const body = new TextEncoder().encode('Hello, World!')
const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'

test("GitHub's published example fits", () => {
  expect(signedByGithub(body, signature, secret)).toBe(true)
})

test.each([
  ['another body', new TextEncoder().encode('Hello, World?'), signature, secret],
  ['another secret', body, signature, 'secret'],
  ['the old SHA-1 header', body, 'sha1=757107ea0eb2509fc211221cce984b8a37570b6d', secret],
  ['no header', body, undefined, secret],
])('%s does not', (_, given, header, key) => {
  expect(signedByGithub(given, header, key)).toBe(false)
})

test("GitLab's token is compared whole", () => {
  expect(signedByGitlab('token', 'token')).toBe(true)
  expect(signedByGitlab('toke', 'token')).toBe(false)
  expect(signedByGitlab(undefined, 'token')).toBe(false)
})
