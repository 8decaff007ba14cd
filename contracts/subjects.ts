import { type EventType, eventCatalogue } from './events.ts'
import { laneToken, maxLaneCount } from './lane.ts'
import type { StreamName } from './streams.ts'

/**
 * Subject of an event: `<stream>.<lane>.<Type>`, for derived facts `derived.<lane>.<domain>.<Type>`.
 * @example subjectOf('plimsoll.telemetry.v1.MetricBatch', 7) // 'metric.07.MetricBatch'
 */
export function subjectOf(type: EventType, lane: number): string {
  const { stream, domain, name } = eventCatalogue[type]
  const tail = stream === 'DERIVED' ? `${domain}.${name}` : name
  return `${stream.toLowerCase()}.${laneToken(lane)}.${tail}`
}

/** Everything on one lane of a stream: `metric.07.>`. */
export function laneFilter(stream: StreamName, lane: number): string {
  return `${stream.toLowerCase()}.${laneToken(lane)}.>`
}

/** Lane written in a subject; throws when there is none. */
export function laneOfSubject(subject: string): number {
  const token = /^[^.]+\.(\d\d)\./.exec(subject)?.[1]
  const lane = Number(token)
  if (token === undefined || lane >= maxLaneCount)
    throw new RangeError(`subject ${subject} names no lane 00..${maxLaneCount - 1}`)
  return lane
}
