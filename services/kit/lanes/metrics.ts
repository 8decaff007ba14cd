import type { Metrics } from '../telemetry/metrics.ts'
import type { LaneKey } from './lease.ts'

/** What lanes tell the registry. Every gauge is per lane and set when its lane last moved. */
export type LaneMetrics = ReturnType<typeof laneMetrics>

const labels = ['service', 'processor', 'lane'] as const

export function laneMetrics(metrics: Metrics, service: string) {
  const lagMessages = metrics.gauge('plimsoll_lane_lag_messages', 'Messages waiting behind the lane’s last one', labels)
  const lagSeconds = metrics.gauge(
    'plimsoll_lane_lag_seconds',
    'Age of the lane’s last message while more wait',
    labels,
  )
  const halted = metrics.gauge('plimsoll_lane_halted', '1 when the lane is halted and needs an operator', labels)
  const messages = metrics.counter('plimsoll_lane_message_total', 'Messages whose effects are committed', [
    'service',
    'processor',
  ])
  const batchSeconds = metrics.histogram(
    'plimsoll_lane_batch_duration_seconds',
    'From a batch’s arrival to its commit, or of one tick',
    ['service', 'processor'],
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  )
  const outboxPending = metrics.gauge('plimsoll_outbox_pending', 'Events committed but not yet at the broker', labels)
  const deadletters = metrics.counter('plimsoll_deadletter_total', 'Messages refused for good', [
    'service',
    'processor',
  ])
  const retries = metrics.counter('plimsoll_lane_retry_total', 'Times a lane paused and tried again', [
    'service',
    'processor',
  ])
  const of = ({ processor, lane }: LaneKey) => ({ service, processor, lane: String(lane).padStart(2, '0') })

  return {
    lag(key: LaneKey, waiting: number, ageSeconds: number) {
      lagMessages.set(of(key), waiting)
      lagSeconds.set(of(key), ageSeconds)
    },
    halted: (key: LaneKey, isHalted: boolean) => halted.set(of(key), isHalted ? 1 : 0),
    committed(key: LaneKey, count: number, seconds: number) {
      messages.inc({ service, processor: key.processor }, count)
      batchSeconds.observe({ service, processor: key.processor }, seconds)
    },
    outboxPending: (key: LaneKey, rows: number) => outboxPending.set(of(key), rows),
    refused: (key: LaneKey) => deadletters.inc({ service, processor: key.processor }),
    retried: (key: LaneKey) => retries.inc({ service, processor: key.processor }),
    /** The lane is no longer this process's: its gauges belong to the new owner. */
    forget(key: LaneKey) {
      for (const gauge of [lagMessages, lagSeconds, outboxPending]) gauge.remove(of(key))
    },
  }
}
