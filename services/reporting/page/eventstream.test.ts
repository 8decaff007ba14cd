import { describe, expect, it } from 'vitest'
import { eventStreamReader } from './eventstream.js'

function read(...chunks: readonly string[]) {
  const events: unknown[] = []
  const take = eventStreamReader((event) => events.push(event))
  for (const chunk of chunks) take(chunk)
  return events
}

describe('the event stream reader', () => {
  it('reads an event with its name and id', () => {
    expect(read('id: 3.17\nevent: change\ndata: {"a":1}\n\n')).toEqual([
      { event: 'change', data: '{"a":1}', id: '3.17' },
    ])
  })

  it('given any way of cutting it into chunks, reads the same', () => {
    const text = 'id: 1\r\nevent: change\r\ndata: one\r\n\r\n: comment\n\ndata: two\ndata: lines\n\n'
    const whole = read(text)
    for (let cut = 1; cut < text.length; cut++) expect(read(text.slice(0, cut), text.slice(cut))).toEqual(whole)
    expect(read(...text)).toEqual(whole)
    expect(whole).toEqual([
      { event: 'change', data: 'one', id: '1' },
      { event: 'message', data: 'two\nlines', id: '1' },
    ])
  })

  it('takes comments and unfinished events for nothing', () => {
    expect(read(': still here\n\n', 'retry: 1000\n\n', 'data: half')).toEqual([])
  })
})
