import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/**
 * GitHub's `X-Hub-Signature-256`: `sha256=` and the HMAC-SHA-256 of the raw body in hex.
 * @example signedByGithub(rawBody, request.headers['x-hub-signature-256'], secret)
 */
export function signedByGithub(body: Uint8Array, header: unknown, secret: string): boolean {
  return equalInConstantTime(header, `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
}

/** GitLab's `X-Gitlab-Token` is the secret itself. */
export const signedByGitlab = (header: unknown, token: string): boolean => equalInConstantTime(header, token)

// Digests first: the comparison wants equal lengths, and the length of a secret is nobody's business.
function equalInConstantTime(given: unknown, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return typeof given === 'string' && timingSafeEqual(digest(given), digest(expected))
}
