/** Real receivers for the ledger's tests: an HTTP server and an SMTP server that keep what reaches them. */

import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from 'node:net'

export type Posted = { readonly headers: IncomingHttpHeaders; readonly body: string }

/** Answers each request with what `answer` says; `undefined` leaves it waiting. */
export async function httpSink(
  answer: (posted: Posted, n: number) => { status: number; headers?: Record<string, string> } | undefined,
) {
  const posts: Posted[] = []
  const server: HttpServer = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const posted = { headers: request.headers, body: Buffer.concat(chunks).toString() }
    posts.push(posted)
    const said = answer(posted, posts.length)
    if (said !== undefined) response.writeHead(said.status, said.headers).end('thanks')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    posts,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

export type Received = { readonly from: string; readonly to: string; readonly message: string }

/**
 * `recipient` gives the reply to RCPT TO, `accept` that to the end of the data; `undefined` leaves the sender waiting, and
 * the mail counts as arrived: an answer that never comes is not a mail that never came.
 */
export async function smtpSink(
  replies: {
    readonly greeting?: string
    readonly recipient?: (to: string) => string
    readonly accept?: (received: Received, n: number) => string | undefined
  } = {},
) {
  const mails: Received[] = []
  const sockets = new Set<Socket>()
  const server: Server = createSocketServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    let [text, from, to, data] = ['', '', '', false]
    const say = (line: string) => socket.write(`${line}\r\n`)
    say(replies.greeting ?? '220-sink.test greets you\r\n220 and waits')
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (;;) {
        const end = text.indexOf(data ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const part = text.slice(0, end)
        text = text.slice(end + (data ? 5 : 2))
        if (data) {
          data = false
          const received = { from, to, message: part.replaceAll(/^\.\./gm, '.') }
          mails.push(received)
          const reply = (replies.accept ?? (() => '250 kept'))(received, mails.length)
          if (reply !== undefined) say(reply)
        } else if (/^EHLO /.test(part)) say('250-sink.test\r\n250 SIZE 1000000')
        else if (/^MAIL FROM:/.test(part)) {
          from = part.slice(11, -1)
          say('250 so far so good')
        } else if (/^RCPT TO:/.test(part)) {
          to = part.slice(9, -1)
          say(replies.recipient?.(to) ?? '250 known here')
        } else if (part === 'DATA') {
          data = true
          say('354 go on')
        } else if (part === 'QUIT') socket.end('221 bye\r\n')
        else say('500 what?')
      }
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mails,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
