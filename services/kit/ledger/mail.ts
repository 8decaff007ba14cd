import { createHash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { Performer } from './performer.ts'
import { sendMail } from './smtp.ts'

export type Mail = { readonly to: string; readonly subject: string; readonly text: string }

export type MailOptions = {
  /** `smtp://user:password@host:port` or `smtps://...`. */
  readonly server: string
  readonly from: string
  readonly clock: Clock
}

/**
 * Sends mail. The Message-ID follows from the effect's key, so a repeat by hand has the same one; but not every receiver
 * folds by it, and a person is not to be written to twice: what was in flight when its process died is held.
 */
export const mailPerformer = ({ server, from, clock }: MailOptions): Performer => ({
  repeatable: false,
  async perform({ key, payload }) {
    const mail = payload as Mail
    const message = messageOf(mail, { from, messageId: messageIdOf(key, from), timeMs: clock.now() })
    return await sendMail(new URL(server), { from, to: mail.to, message })
  },
})

const messageIdOf = (key: string, from: string): string =>
  `<${createHash('sha256').update(key).digest('hex').slice(0, 40)}@${from.split('@').at(-1)}>`

/**
 * A plain-text mail (RFC 5322, MIME by RFC 2045 and 2047).
 * @example messageOf({ to: 'ada@example.org', subject: 'Hello', text: 'Hello.' }, { from, messageId, timeMs })
 */
export function messageOf(
  { to, subject, text }: Mail,
  { from, messageId, timeMs }: { readonly from: string; readonly messageId: string; readonly timeMs: number },
): string {
  return [
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${encodedHeader(subject)}`,
    `Date: ${new Date(timeMs).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${messageId}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    ...linesOf(Buffer.from(text).toString('base64'), 76),
  ].join('\r\n')
}

/** Encoded words of at most 75 characters each, cut between code points; line breaks cannot get out of them. */
function encodedHeader(text: string): string {
  if (/^[\x20-\x7e]{0,60}$/.test(text)) return text
  const words: string[] = ['']
  for (const character of text) {
    const longer = `${words.at(-1)}${character}`
    if (Buffer.byteLength(longer) > 45) words.push(character)
    else words[words.length - 1] = longer
  }
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ')
}

const linesOf = (text: string, width: number): string[] =>
  Array.from({ length: Math.ceil(text.length / width) }, (_, i) => text.slice(i * width, (i + 1) * width))
