// @ts-check
import { eventStreamReader } from './eventstream.js'

/**
 * Keeps an event stream open: resumes with Last-Event-ID after a break, waits longer after each failure, and takes
 * silence for a break (the server speaks at least every 5 s).
 *
 * @param {string} url
 * @param {{
 *   headers: () => Record<string, string>,
 *   onEvent: (event: import('./eventstream.js').StreamEvent) => void,
 *   onState: (state: 'live' | 'broken') => void,
 * }} options
 */
export function listen(url, { headers, onEvent, onState }) {
  let lastId = ''
  let failures = 0

  const connect = async () => {
    const abort = new AbortController()
    let silence = setTimeout(() => abort.abort(), silentMs)
    const heard = () => {
      clearTimeout(silence)
      silence = setTimeout(() => abort.abort(), silentMs)
    }
    try {
      const resume = lastId === '' ? {} : { 'last-event-id': lastId }
      const response = await fetch(url, {
        headers: { ...headers(), ...resume },
        signal: abort.signal,
        cache: 'no-store',
        credentials: 'omit',
      })
      if (!response.ok || response.body === null) throw new Error(`The event stream answered ${response.status}.`)
      onState('live')
      failures = 0
      const read = eventStreamReader((event) => {
        lastId = event.id
        onEvent(event)
      })
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        heard()
        read(value)
      }
    } catch {
      // Whatever broke it, what to do is the same: say so and come back.
    }
    clearTimeout(silence)
    onState('broken')
    setTimeout(connect, Math.min(longestWaitMs, firstWaitMs * 2 ** failures++))
  }
  connect()
}

const silentMs = 15_000
const firstWaitMs = 500
const longestWaitMs = 10_000
