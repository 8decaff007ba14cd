import { expect, test } from 'vitest'
import { type EventType, eventCatalogue } from './events.ts'
import { maxLaneCount } from './lane.ts'
import { streamDefinitions } from './streams.ts'
import { laneFilter, laneOfSubject, subjectOf } from './subjects.ts'

const TYPES = Object.keys(eventCatalogue) as EventType[]

test('subjects say stream, lane and type, and derived ones their domain', () => {
  expect(subjectOf('plimsoll.telemetry.v1.MetricBatch', 7)).toBe('metric.07.MetricBatch')
  expect(subjectOf('plimsoll.performance.v1.RegressionDetected', 11)).toBe('derived.11.performance.RegressionDetected')
  expect(laneFilter('METRIC', 7)).toBe('metric.07.>')
})

test.each(TYPES)('every subject of %s is on its stream, in its lane, and its own', (type) => {
  const prefix = streamDefinitions[eventCatalogue[type].stream].subjects[0]?.replace('>', '') ?? 'none'
  for (let lane = 0; lane < maxLaneCount; lane++) {
    const subject = subjectOf(type, lane)
    expect(subject.startsWith(prefix)).toBe(true)
    expect(laneOfSubject(subject)).toBe(lane)
    expect(TYPES.filter((other) => subjectOf(other, lane) === subject)).toEqual([type])
  }
})

test.each(['metric', 'metric.7.MetricBatch', 'metric.64.MetricBatch', 'deadletter.x'])(
  '%s names no lane',
  (subject) => {
    expect(() => laneOfSubject(subject)).toThrow('names no lane')
  },
)
