// @ts-check
/**
 * Reads server-sent events from chunks of text (WHATWG HTML, section 9.2.6). The browser's own EventSource cannot send
 * an Authorization header; this can, because the caller does the fetching.
 *
 * @typedef {{ readonly event: string, readonly data: string, readonly id: string }} StreamEvent
 *
 * @param {(event: StreamEvent) => void} onEvent
 * @returns {(chunk: string) => void} takes text in any pieces
 */
export function eventStreamReader(onEvent) {
  let rest = ''
  let id = ''
  let event = ''
  /** @type {string[]} */
  let data = []
  return (chunk) => {
    rest += chunk
    // A chunk may end between the two characters of one line end: leave it for the next.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) onEvent({ event: event === '' ? 'message' : event, data: data.join('\n'), id })
        event = ''
        data = []
        continue
      }
      const colon = line.indexOf(':')
      const field = colon < 0 ? line : line.slice(0, colon)
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'id') id = value
      else if (field === 'event') event = value
      else if (field === 'data') data.push(value)
    }
  }
}
