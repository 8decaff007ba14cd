/** One mail over SMTP (RFC 5321), told apart by where the conversation ended: refused, never sent, or unsure. */

import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { connect as connectTls } from 'node:tls'
import { describeError } from '../errors.ts'
import { ATTEMPT_MS, type Performed } from './performer.ts'

export type Envelope = { readonly from: string; readonly to: string; readonly message: string }

type Reply = { readonly code: number; readonly text: string }

/** A reply that ends the conversation. */
class Refused extends Error {
  readonly reply: Reply
  constructor(step: string, reply: Reply) {
    super(`${step}: ${reply.code} ${reply.text}`)
    this.reply = reply
  }
}

/**
 * Sends to `smtp://user:password@host:port` (STARTTLS where it is offered, and required before a password is sent) or
 * `smtps://...`. Up to the end of the data nothing has happened; when the answer to that end is lost, it may have.
 */
export async function sendMail(server: URL, { from, to, message }: Envelope): Promise<Performed> {
  const malformed = [from, to].find((address) => !/^[^\s<>@]+@[^\s<>@]+$/.test(address))
  if (malformed !== undefined) return { kind: 'failed', answer: `"${malformed}" is not an address`, final: true }
  const signal = AbortSignal.timeout(ATTEMPT_MS)
  let ended = false
  let session: Session | undefined
  try {
    session = await open(server, signal)
    await session.command(`MAIL FROM:<${from}>`, 250)
    await session.command(`RCPT TO:<${to}>`, 250)
    await session.command('DATA', 354)
    // A line that begins with a dot gets another (RFC 5321 4.5.2).
    session.write(`${message.replaceAll(/^\./gm, '..')}\r\n`)
    ended = true
    const { code, text } = await session.command('.', 250)
    return { kind: 'done', answer: `${code} ${text}` }
  } catch (error) {
    const answer = describeError(error)
    // A server that turns everybody away, or us, is put right; a mail it will not have is not.
    const isOfMail = session !== undefined
    if (error instanceof Refused) return { kind: 'failed', answer, final: isOfMail && error.reply.code >= 500 }
    return ended ? { kind: 'unsure', answer } : { kind: 'failed', answer, final: false }
  } finally {
    session?.end()
  }
}

type Session = {
  /** Sends a line and resolves with a reply of the code expected; rejects with `Refused` for any other. */
  command(line: string, expected: number): Promise<Reply>
  write(text: string): void
  end(): void
}

async function open(server: URL, signal: AbortSignal): Promise<Session> {
  const host = server.hostname
  const isTls = server.protocol === 'smtps:'
  // SNI is for names only.
  const names = isIP(host) === 0 ? { servername: host } : {}
  const port = Number(server.port || (isTls ? 465 : 587))
  const socket = isTls ? connectTls({ host, port, ...names }) : connectPlain({ host, port })
  let session = converse(socket, signal)
  try {
    await session.expect('greeting', 220)
    let greeting = await session.command(`EHLO ${hostname()}`, 250)
    const startsTls = !isTls && /^STARTTLS$/im.test(greeting.text)
    if (startsTls) {
      await session.command('STARTTLS', 220)
      session = converse(connectTls({ socket: session.detach(), ...names }), signal)
      greeting = await session.command(`EHLO ${hostname()}`, 250)
    }
    if (server.username !== '') {
      if (!isTls && !startsTls) throw new Error('the server offers no STARTTLS, and a password is sent over TLS only')
      const credentials = ['', decodeURIComponent(server.username), decodeURIComponent(server.password)].join('\0')
      await session.command(`AUTH PLAIN ${Buffer.from(credentials).toString('base64')}`, 235)
    }
    return session
  } catch (error) {
    session.end()
    throw error
  }
}

/** Commands and replies over one connection. Breaking off, or the signal, rejects what waits and all that comes later. */
function converse(socket: Socket, signal: AbortSignal) {
  let text = ''
  let failure: Error | undefined
  let wake = () => {}
  const fail = (error: Error) => {
    failure ??= error
    wake()
  }
  const onData = (chunk: string) => {
    text += chunk
    wake()
  }
  const onClose = () => fail(new Error('the server closed the connection'))
  const onAbort = () => fail(new Error('the server did not answer in time'))
  socket.setEncoding('utf8').on('data', onData).on('error', fail).on('close', onClose)
  signal.addEventListener('abort', onAbort)

  async function expect(step: string, expected: number): Promise<Reply> {
    for (;;) {
      // Lines `250-...`, the last `250 ...` (RFC 5321 4.2.1).
      const whole = /^(?:\d{3}-.*\r?\n)*(\d{3})(?: .*)?\r?\n/.exec(text)
      if (whole !== null) {
        text = text.slice(whole[0].length)
        const reply = { code: Number(whole[1]), text: whole[0].replaceAll(/^\d{3}[ -]?/gm, '').trim() }
        if (reply.code !== expected) throw new Refused(step, reply)
        return reply
      }
      if (failure !== undefined) throw failure
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  return {
    expect,
    command(line: string, expected: number): Promise<Reply> {
      socket.write(`${line}\r\n`)
      // Credentials are in no error.
      return expect(line.split(' ', 1)[0] ?? '', expected)
    },
    write: (data: string) => socket.write(data),
    /** The socket, listened to no more: TLS goes over it. */
    detach(): Socket {
      signal.removeEventListener('abort', onAbort)
      return socket.off('data', onData).off('error', fail).off('close', onClose)
    },
    end() {
      signal.removeEventListener('abort', onAbort)
      if (!socket.destroyed) socket.end('QUIT\r\n')
    },
  }
}
