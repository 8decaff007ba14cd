import type { ActualStream } from '@plimsoll/contracts/stream-diff.ts'
import { laneCountKey, streamDefinitions, streamsOf } from '@plimsoll/contracts/streams.ts'
import { expect, test } from 'vitest'
import { describeChange, type PlanOptions, planStreams } from './plan.ts'

const HOUR = 3_600_000
const all = Object.values(streamDefinitions)
const applied = (replicas = 1): ActualStream[] =>
  all.map((definition) => ({ ...definition, maxBytes: -1, maxMessages: -1, replicas }))

const asked = (options: Partial<PlanOptions> = {}): PlanOptions => ({
  replicas: undefined,
  lanes: 16,
  allowShrink: false,
  ...options,
})

const names = (definitions: readonly { name: string }[]) => definitions.map(({ name }) => name)
const changing = (changes: Partial<ActualStream>, name = 'METRIC') =>
  applied().map((stream) => (stream.name === name ? { ...stream, ...changes } : stream))

test('an empty broker is given every stream, a second time nothing', () => {
  const plan = planStreams([], asked())
  expect(names(plan.create)).toEqual(names(all))
  expect(describeChange(plan.changes[0] ?? never())).toBe('+ METRIC: metric.>, kept 3 d, R1')
  expect(planStreams(applied(), asked())).toEqual({
    create: [],
    update: [],
    changes: [],
    refusals: [],
  })
})

test('streams of others are left alone', () => {
  const other = { ...(applied()[0] ?? never()), name: 'ORDERS', maxAgeMs: 1 }
  expect(planStreams([...applied(), other], asked()).changes).toEqual([])
})

test('replicas stay as they are unless asked for', () => {
  expect(planStreams(applied(3), asked()).changes).toEqual([])
  expect(names(planStreams(applied(1), asked({ replicas: 3 })).update)).toEqual(names(all))
})

test('a shrink is refused until it is allowed', () => {
  const longer = changing({ maxAgeMs: 240 * HOUR })
  expect(planStreams(longer, asked()).refusals).toEqual([
    'METRIC: max age would shrink from 10 d to 3 d: say --allow-shrink if that is meant',
  ])
  const allowed = planStreams(longer, asked({ allowShrink: true }))
  expect([allowed.refusals, names(allowed.update)]).toEqual([[], ['METRIC']])
})

test('an installation keeps the lanes its first stream has', () => {
  const four = Object.values(streamsOf(4)).map((each) => ({ ...each, maxBytes: -1, maxMessages: -1, replicas: 1 }))
  expect(planStreams(four, asked({ lanes: 16 })).changes).toEqual([])
  expect(planStreams(four.slice(0, 1), asked({ lanes: 16 })).create.map(({ metadata }) => metadata)).toContainEqual({
    [laneCountKey]: '4',
  })
  expect(planStreams([], asked({ lanes: 4 })).create).toEqual(Object.values(streamsOf(4)))
})

test('a stream with other lanes than the first is refused, allowed or not', () => {
  const other = changing({ metadata: { [laneCountKey]: '8' } }, 'USAGE')
  expect(planStreams(other, asked({ allowShrink: true })).refusals).toEqual([
    expect.stringContaining('USAGE: lanes cannot go from 8 to 16: '),
  ])
})

function never(): never {
  throw new Error('there is none')
}
