import { Agent, request } from 'node:http'

export type Sent = {
  readonly requests: number
  readonly elapsedMs: number
  /** Latencies of all requests, sorted, ms. */
  readonly latenciesMs: Float64Array
  /** Answers by status. */
  readonly statuses: Readonly<Record<number, number>>
}

export type SendOptions = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
}

/**
 * Sends bodies over a fixed number of connections, each one request at a time. Body i goes over connection
 * i mod `connections`, so that the samples of a series keep their order when requests per round divide by it.
 */
export async function sendAll(bodies: readonly Uint8Array[], options: SendOptions): Promise<Sent> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections })
  const latencies = new Float64Array(bodies.length)
  const statuses: Record<number, number> = {}
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: options.connections }, async (_, connection) => {
      for (let i = connection; i < bodies.length; i += options.connections) {
        const sentAt = performance.now()
        const status = await post(agent, options, bodies[i] as Uint8Array)
        latencies[i] = performance.now() - sentAt
        statuses[status] = (statuses[status] ?? 0) + 1
      }
    }),
  )
  const elapsedMs = performance.now() - startedAt
  agent.destroy()
  return { requests: bodies.length, elapsedMs, latenciesMs: latencies.sort(), statuses }
}

function post(agent: Agent, { url, headers }: SendOptions, body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = request(
      url,
      { method: 'POST', agent, headers: { ...headers, 'content-length': String(body.length) } },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
        response.on('error', reject)
      },
    )
    sending.on('error', reject)
    sending.end(body)
  })
}

export const remoteWriteHeaders = (version: 1 | 2): Record<string, string> => ({
  'content-encoding': 'snappy',
  'content-type':
    version === 1 ? 'application/x-protobuf' : 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
  'x-prometheus-remote-write-version': version === 1 ? '0.1.0' : '2.0.0',
})

export const otlpHeaders: Record<string, string> = { 'content-type': 'application/x-protobuf' }

export function quantile(sorted: Float64Array, q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}
