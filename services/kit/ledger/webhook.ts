import { createHmac } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Performer } from './performer.ts'
import { post } from './post.ts'

export type WebhookPayload = { readonly url: string; readonly body: unknown }

/**
 * Signature of a body at a time, for receivers to check: HMAC-SHA256 of `<unix seconds>.<body>`. The time is signed with
 * it, so that a recorded request cannot be played back later.
 * @example signatureOf('secret', 1_700_000_000, '{}') // 't=1700000000,v1=6f...'
 */
export function signatureOf(secret: string, unixSeconds: number, body: string): string {
  const code = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')
  return `t=${unixSeconds},v1=${code}`
}

/** Posts JSON, signed, with the effect's key as `Idempotency-Key`: receivers fold repeats by it. */
export const webhookPerformer = (secret: string, clock: Clock): Performer => ({
  repeatable: true,
  async perform({ key, payload }) {
    const { url, body } = payload as WebhookPayload
    const text = JSON.stringify(body)
    const headers = {
      'Content-Type': 'application/json',
      'Idempotency-Key': key,
      'Plimsoll-Signature': signatureOf(secret, Math.floor(clock.now() / 1_000), text),
    }
    return await post(url, headers, text)
  },
})
