import { expect, test } from 'vitest'
import { MINUTE_MS } from './endpoint.ts'
import { createFold } from './fold.ts'
import { foldSpans, type Spans } from './spans.ts'
import { closeTouched } from './windows.ts'

type Span = {
  readonly service: string
  readonly name: string
  readonly kind: number
  readonly startMs: number
  readonly durationMs: number
  readonly httpStatus?: number
  readonly status?: number
  readonly peer?: string
}

function spansOf(list: readonly Span[]): Spans {
  const strings = ['']
  const ref = (text = ''): number => {
    const known = strings.indexOf(text)
    return known >= 0 ? known : strings.push(text) - 1
  }
  const zeros = new Uint32Array(list.length)
  return {
    count: list.length,
    trace: new Uint8Array(16 * list.length).fill(1),
    span: Uint8Array.from(list.flatMap((_, i) => [0, 0, 0, 0, 0, 0, 0, i + 1])),
    parent: Uint8Array.from(list.flatMap((_, i) => [0, 0, 0, 0, 0, 0, 0, i])),
    startMs: Float64Array.from(list, ({ startMs }) => startMs),
    durationMs: Float64Array.from(list, ({ durationMs }) => durationMs),
    kind: Uint8Array.from(list, ({ kind }) => kind),
    status: Uint8Array.from(list, ({ status }) => status ?? 0),
    httpStatus: Uint16Array.from(list, ({ httpStatus }) => httpStatus ?? 0),
    service: Uint32Array.from(list, ({ service }) => ref(service)),
    environment: zeros,
    release: zeros,
    name: Uint32Array.from(list, ({ name }) => ref(name)),
    route: zeros,
    method: zeros,
    peer: Uint32Array.from(list, ({ peer }) => ref(peer)),
    text: (at) => strings[at] ?? '',
  }
}

const SERVER = 2
const CLIENT = 3
const START = 100 * MINUTE_MS

test('server spans are requests, by status; client spans are edges; all are linked', () => {
  const fold = createFold(0, { endpointsPerService: 10 })
  const cart = { service: 'cart', name: 'GET /cart/17', kind: SERVER, startMs: START, durationMs: 20 }
  const links = foldSpans(
    fold,
    'test',
    spansOf([
      { service: 'web', name: 'call', kind: CLIENT, startMs: START, durationMs: 25, peer: 'cart' },
      { ...cart, httpStatus: 200 },
      { ...cart, httpStatus: 503, durationMs: 5 },
      { ...cart, startMs: START + 70_000 + MINUTE_MS },
    ]),
    START,
  )
  const { minutes } = closeTouched(fold, { allowedMs: 10_000, idleMs: 15_000 })
  expect(minutes).toHaveLength(1)
  expect(minutes[0]?.endpoint.place).toMatchObject({ service: 'cart', endpoint: 'GET /cart/{id}', instrument: 'spans' })
  expect(minutes[0]?.windows.map(({ cell, requests }) => [cell.statusClass, requests])).toEqual([
    [2, 1],
    [5, 1],
  ])
  expect([...fold.edges.values()]).toEqual([{ caller: 'web', callee: 'cart' }])
  expect(links.map(({ parent, span }) => [parent, span])).toEqual([
    ['', '0000000000000001'],
    ['0000000000000001', '0000000000000002'],
    ['0000000000000002', '0000000000000003'],
    ['0000000000000003', '0000000000000004'],
  ])
})
