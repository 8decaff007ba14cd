import { expect, test } from 'vitest'
import { ContractError } from './errors.ts'
import { encodeEvent } from './events.ts'
import { examples } from './examples.ts'
import {
  createUsageRows,
  USAGE_KIND,
  USAGE_TYPE,
  type UsageEvent,
  usageBatchOf,
  usageBatchView,
  usageLaneKey,
} from './usage-batch.ts'

const exported: UsageEvent = {
  messageId: new Uint8Array(16).fill(7),
  timeMs: 1_000,
  originalTimeMs: 96_000,
  sentTimeMs: 96_020,
  kind: USAGE_KIND.track,
  name: 'Report Exported',
  accountId: 'acme',
  userId: 'u1',
  anonymousId: '',
  quantity: 1,
  properties: '{"format":"pdf"}',
  context: '',
}
const visited: UsageEvent = {
  ...exported,
  kind: USAGE_KIND.page,
  name: 'Pricing',
  accountId: '',
  userId: '',
  anonymousId: 'a9',
}

test('events go in and come out by row, with every text where it was', () => {
  const view = usageBatchView(encodeEvent(USAGE_TYPE, usageBatchOf('web', 2_000, [exported, visited])))
  const text = (refs: Uint32Array) => Array.from(refs, (ref) => view.strings.at(ref))
  expect(view.rows).toBe(2)
  expect(text(view.nameRef)).toEqual(['Report Exported', 'Pricing'])
  expect(text(view.accountRef)).toEqual(['acme', ''])
  expect(text(view.userRef)).toEqual(['u1', ''])
  expect(text(view.anonymousRef)).toEqual(['', 'a9'])
  expect([...view.time, ...view.originalTime, ...view.sentTime]).toEqual([1_000, 1_000, 96_000, 96_000, 96_020, 96_020])
  expect(view.messageId.subarray(16, 32)).toEqual(exported.messageId)
})

test('rows are gathered again after a clear, more than there was room for', () => {
  const rows = createUsageRows()
  rows.add(visited)
  rows.clear()
  const events = Array.from({ length: 200 }, (_, i) => ({ ...exported, timeMs: i, userId: `u${i % 150}` }))
  for (const event of events) rows.add(event)
  const view = usageBatchView(encodeEvent(USAGE_TYPE, rows.batch('web', 2_000)))
  expect(Array.from(view.time)).toEqual(events.map(({ timeMs }) => timeMs))
  expect(Array.from(view.userRef, (ref) => view.strings.at(ref))).toEqual(events.map(({ userId }) => userId))
  expect(view.messageId.subarray(199 * 16)).toEqual(exported.messageId)
})

test('columns that say nothing are left out, and read as none, the original time as the time', () => {
  const columns = ['anonymousRef', 'originalTime', 'sentTime', 'contextRef'] as const
  const plain: UsageEvent = { ...exported, originalTimeMs: exported.timeMs, sentTimeMs: 0 }
  const full: UsageEvent = { ...exported, anonymousId: 'a9', context: '{"plan":"pro"}' }
  const read = (events: readonly UsageEvent[]) => {
    const batch = usageBatchOf('web', 2_000, events)
    const view = usageBatchView(encodeEvent(USAGE_TYPE, batch))
    return columns.map((name) => [batch[name].byteLength > 0, view[name][0]])
  }
  expect(read([plain])).toEqual([0, 1_000, 0, 0].map((value) => [false, value]))
  expect(read([plain, full])).toEqual([0, 1_000, 0, 0].map((value) => [true, value]))
})

test('a batch that contradicts itself is refused by the column at fault', () => {
  const batch = usageBatchOf('web', 2_000, [exported])
  const read = (changes: object) => () => usageBatchView(encodeEvent(USAGE_TYPE, { ...batch, ...changes }))
  expect(read({ messageId: new Uint8Array(8) })).toThrow(ContractError)
  expect(read({ userRef: new Uint8Array(Uint32Array.of(99).buffer) })).toThrow('userRef points at row 99')
  expect(read({ time: new Uint8Array(Float64Array.of(Number.NaN).buffer) })).toThrow('time is NaN at row 0')
  const metric = encodeEvent('plimsoll.telemetry.v1.MetricBatch', examples['plimsoll.telemetry.v1.MetricBatch'])
  expect(() => usageBatchView(metric)).toThrow(`expected ${USAGE_TYPE}`)
})

test('the lane is the account, else the person', () => {
  expect([usageLaneKey(exported), usageLaneKey({ ...exported, accountId: '' }), usageLaneKey(visited)]).toEqual([
    'acme',
    'u1',
    'a9',
  ])
})
