/** Configuration of the service, from the environment. Defaults are those of the design; one set for every installation. */

import { type Static, Type } from 'typebox'

export const performanceConfig = Type.Object({
  PERFORMANCE_MIN_RELATIVE: Type.Optional(
    Type.Number({
      minimum: 0,
      description: "Least relative change worth an alarm (0.05 = 5 %). The detector's own when left out.",
    }),
  ),
  PERFORMANCE_MIN_ABSOLUTE_MS: Type.Optional(
    Type.Number({
      minimum: 0,
      description: "Least change of a latency worth an alarm, ms. The detector's own when left out.",
    }),
  ),
  PERFORMANCE_FALSE_ALARM_WINDOWS: Type.Optional(
    Type.Number({
      minimum: 10,
      description:
        "Windows of one series between two false alarms while nothing changes. The detector's own when left out.",
    }),
  ),
  PERFORMANCE_FDR: Type.Number({
    default: 0.05,
    exclusiveMinimum: 0,
    maximum: 1,
    description: 'Share of false ones among the regressions confirmed at a time.',
  }),
  PERFORMANCE_LATENESS_SECONDS: Type.Number({
    default: 10,
    minimum: 0,
    description: 'How long a window waits for replicas that were not heard yet, in event time.',
  }),
  PERFORMANCE_IDLE_SECONDS: Type.Number({
    default: 15,
    minimum: 1,
    description: 'Silence after which the windows of an endpoint close by the time of its lane.',
  }),
  PERFORMANCE_ENDPOINTS_PER_SERVICE: Type.Integer({
    default: 500,
    minimum: 1,
    description: 'Endpoints kept apart per service; the rest share "(other)".',
  }),
  PERFORMANCE_KEEP_MINUTES_DAYS: Type.Integer({
    default: 2,
    minimum: 1,
    description: 'Days 1-minute windows are kept.',
  }),
  PERFORMANCE_KEEP_10_MINUTES_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    description: 'Days 10-minute windows are kept.',
  }),
  PERFORMANCE_KEEP_HOURS_DAYS: Type.Integer({ default: 400, minimum: 1, description: 'Days 1-hour windows are kept.' }),
})

export type PerformanceConfig = Static<typeof performanceConfig>
