import type { ActualStream } from '@plimsoll/contracts/stream-diff.ts'
import { laneCountKey, streamDefinitions } from '@plimsoll/contracts/streams.ts'
import { expect, test } from 'vitest'
import { describeChange, planStreams } from './plan.ts'

const HOUR = 3_600_000
const all = Object.values(streamDefinitions)
const applied = (replicas = 1): ActualStream[] =>
  all.map((definition) => ({ ...definition, maxBytes: -1, maxMessages: -1, replicas }))

const names = (definitions: readonly { name: string }[]) => definitions.map(({ name }) => name)
const changing = (changes: Partial<ActualStream>) =>
  applied().map((stream) => (stream.name === 'METRIC' ? { ...stream, ...changes } : stream))

test('an empty broker is given every stream, a second time nothing', () => {
  const plan = planStreams([], { replicas: undefined, allowShrink: false })
  expect(names(plan.create)).toEqual(names(all))
  expect(describeChange(plan.changes[0] ?? never())).toBe('+ METRIC: metric.>, kept 3 d, R1')
  expect(planStreams(applied(), { replicas: undefined, allowShrink: false })).toEqual({
    create: [],
    update: [],
    changes: [],
    refusals: [],
  })
})

test('streams of others are left alone', () => {
  const other = { ...(applied()[0] ?? never()), name: 'ORDERS', maxAgeMs: 1 }
  expect(planStreams([...applied(), other], { replicas: undefined, allowShrink: false }).changes).toEqual([])
})

test('replicas stay as they are unless asked for', () => {
  expect(planStreams(applied(3), { replicas: undefined, allowShrink: false }).changes).toEqual([])
  expect(names(planStreams(applied(1), { replicas: 3, allowShrink: false }).update)).toEqual(names(all))
})

test('a shrink is refused until it is allowed', () => {
  const longer = changing({ maxAgeMs: 240 * HOUR })
  expect(planStreams(longer, { replicas: undefined, allowShrink: false }).refusals).toEqual([
    'METRIC: max age would shrink from 10 d to 3 d: say --allow-shrink if that is meant',
  ])
  const allowed = planStreams(longer, { replicas: undefined, allowShrink: true })
  expect([allowed.refusals, names(allowed.update)]).toEqual([[], ['METRIC']])
})

test('another lane count is refused, allowed or not', () => {
  const other = changing({ metadata: { [laneCountKey]: '8' } })
  expect(planStreams(other, { replicas: undefined, allowShrink: true }).refusals).toEqual([
    expect.stringContaining('METRIC: lanes cannot go from 8 to 16: '),
  ])
})

function never(): never {
  throw new Error('there is none')
}
