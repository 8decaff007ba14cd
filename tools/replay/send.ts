/** Sends telemetry as a patient client does: once more after 429 and 5xx, when it is told. */

export type Sent = { readonly requests: number; readonly items: number; readonly waits: number }

export type Sender = {
  /** Rejects when the receiver refuses for good, with what it said. */
  send(path: string, headers: Readonly<Record<string, string>>, body: Uint8Array, items: number): Promise<void>
  sent(): Sent
}

const MOST_TRIES = 20

export function createSender(url: string, key: string | undefined): Sender {
  const count = { requests: 0, items: 0, waits: 0 }
  const authorization: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
  return {
    async send(path, headers, body, items) {
      for (let tries = 1; ; tries++) {
        const answer = await post(new URL(path, url), { ...headers, ...authorization }, body)
        if (answer.ok) {
          await answer.arrayBuffer()
          count.requests++
          count.items += items
          return
        }
        const text = (await answer.text()).slice(0, 500)
        const again = answer.status === 429 || answer.status >= 500
        if (!again || tries === MOST_TRIES) throw new Error(`${path} was answered ${answer.status}: ${text}`)
        count.waits++
        await pause(retryAfterMs(answer.headers.get('retry-after'), tries))
      }
    },
    sent: () => ({ ...count }),
  }
}

async function post(url: URL, headers: Record<string, string>, body: Uint8Array): Promise<Response> {
  try {
    return await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
  } catch (cause) {
    throw new Error(`Nothing answers at ${url.origin}: start Plimsoll (npm start) or give its address with --url.`, {
      cause,
    })
  }
}

/** Seconds or a date, as RFC 9110 has it; else a growing pause. */
export function retryAfterMs(header: string | null, tries: number, nowMs = Date.now()): number {
  if (header !== null && /^\d+$/.test(header)) return Number(header) * 1000
  const date = header === null ? Number.NaN : Date.parse(header)
  if (!Number.isNaN(date)) return Math.max(0, date - nowMs)
  return Math.min(10_000, 100 * 2 ** tries)
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
