import { expect, test } from 'vitest'
import { type ActualStream, diffStream } from './stream-diff.ts'
import { laneCountKey, type StreamDefinition, streamDefinitions } from './streams.ts'

const definition = streamDefinitions.METRIC
const HOUR = 3_600_000

/** The stream as a broker has it right after it was made from its definition. */
function asDefined({ metadata, ...choice }: StreamDefinition): ActualStream {
  return { ...choice, metadata: { ...metadata, '_nats.ver': '2.10.27' }, maxBytes: -1, maxMessages: -1, replicas: 1 }
}

const diff = (changes: Partial<ActualStream>, replicas = 1) =>
  diffStream(definition, { ...asDefined(definition), ...changes }, replicas).map(({ field, kind, from, to }) => ({
    field,
    kind,
    from,
    to,
  }))

test('a stream that is as defined needs nothing, whatever the broker adds to its metadata', () => {
  for (const each of Object.values(streamDefinitions)) expect(diffStream(each, asDefined(each), 1)).toEqual([])
})

test('a stream that is not there is made', () => {
  expect(diffStream(definition, undefined, 3)).toEqual([
    { stream: 'METRIC', field: 'stream', from: undefined, to: 'metric.>, kept 3 d, R3', kind: 'create' },
  ])
})

test('a longer age is an update, a shorter one a shrink', () => {
  expect(diff({ maxAgeMs: 24 * HOUR })).toEqual([{ field: 'max age', kind: 'update', from: '1 d', to: '3 d' }])
  expect(diff({ maxAgeMs: 100 * HOUR })).toEqual([{ field: 'max age', kind: 'shrink', from: '100 h', to: '3 d' }])
  expect(diff({ maxAgeMs: 0 })).toEqual([{ field: 'max age', kind: 'shrink', from: 'unlimited', to: '3 d' }])
})

test('fewer replicas, a shorter duplicate window and a subject less are shrinks', () => {
  expect(diff({ replicas: 3 })[0]?.kind).toBe('shrink')
  expect(diff({ replicas: 1 }, 3)[0]?.kind).toBe('update')
  expect(diff({ duplicateWindowMs: HOUR })[0]?.kind).toBe('shrink')
  expect(diff({ subjects: ['metric.>', 'legacy.>'] })[0]?.kind).toBe('shrink')
})

test('another lane count is refused, a stream made by hand is given one', () => {
  expect(diff({ metadata: { [laneCountKey]: '32' } })).toEqual([
    { field: 'lanes', kind: 'refuse', from: '32', to: '16' },
  ])
  expect(diff({ metadata: {} })).toEqual([{ field: 'lanes', kind: 'update', from: 'none', to: '16' }])
})

test('what a broker cannot change in place is refused', () => {
  expect(diff({ storage: 'memory' })[0]?.kind).toBe('refuse')
  expect(diff({ retention: 'workqueue' })[0]?.kind).toBe('refuse')
})

test('compression, direct access and limits set by hand are brought back', () => {
  expect(
    diff({ compression: 'none', allowDirect: false, maxBytes: 1_000 }).map(({ field, kind }) => [field, kind]),
  ).toEqual([
    ['max bytes', 'update'],
    ['compression', 'update'],
    ['allow direct', 'update'],
  ])
})
