/** One POST and what its answer means for an effect. */

import { describeError } from '../errors.ts'
import { ATTEMPT_MS, type Performed } from './performer.ts'

/** What the connection failed at before anything of the request was sent (Node's and undici's codes). */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])
/** Refusals that pass: RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4; 5xx beside them. */
const TRY_AGAIN = new Set([408, 425, 429])
const ANSWER_CHARACTERS = 500

/**
 * 2xx is done; 408, 425, 429 and 5xx failed for now, any other status for good (redirects too: a signed body goes to no
 * address but its own). Without an answer it failed if it was never sent, and is unsure otherwise.
 */
export async function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Performed> {
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(ATTEMPT_MS),
    })
  } catch (error) {
    const answer = describeError(error)
    return NEVER_SENT.has(codeOf(error)) ? { kind: 'failed', answer, final: false } : { kind: 'unsure', answer }
  }
  // The status is the answer; a body that breaks off does not change it.
  const text = await response.text().catch(() => '')
  const answer = `${response.status} ${text.slice(0, ANSWER_CHARACTERS)}`.trimEnd()
  if (response.ok) return { kind: 'done', answer }
  const final = response.status < 500 && !TRY_AGAIN.has(response.status)
  return { kind: 'failed', answer, final, ...retryAfter(response.headers.get('retry-after')) }
}

const codeOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

/** In seconds; the form with a date is as good as none. */
function retryAfter(header: string | null): { retryAfterMs?: number } {
  const seconds = Number(header ?? '')
  return seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}
}
