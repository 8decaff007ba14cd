import type { EventType, EventValue } from '../events.ts'

/** The moment all examples are about. */
export const AT = Date.UTC(2026, 0, 15, 12, 0, 0)
export const MINUTE = 60_000
export const DAY = 24 * 60 * MINUTE

/** One value of each event of a domain: `telemetry` for all of `plimsoll.telemetry`. */
export type ExamplesOf<Domain extends string> = {
  readonly [T in Extract<EventType, `plimsoll.${Domain}.${string}`>]: EventValue<T>
}
