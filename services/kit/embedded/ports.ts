import { connect, createServer } from 'node:net'

/** Binds and frees a loopback port. `wanted` is taken when it is free, else the system chooses. */
export async function freePort(wanted?: number): Promise<number> {
  return (
    (wanted !== undefined && (await tryListen(wanted))) ||
    (await tryListen(0)) ||
    Promise.reject(new Error('no free port'))
  )
}

function tryListen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined))
    })
  })
}

/** Connects, sends `request`, and returns the first bytes of the answer; undefined when nobody answers in time. */
export function firstBytes(port: number, request = '', withinMs = 1_000): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const finish = (answer: string | undefined) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(withinMs, () => finish(undefined))
    socket.once('error', () => finish(undefined))
    socket.once('close', () => finish(undefined))
    socket.once('data', (bytes) => finish(bytes.toString('latin1')))
    socket.once('connect', () => socket.write(request))
  })
}
