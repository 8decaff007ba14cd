import { packColumn } from '@plimsoll/contracts/columns.ts'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { laneToken } from '@plimsoll/contracts/lane.ts'
import { METRIC_TYPE, noHistograms } from '@plimsoll/contracts/metric-batch.ts'
import { createStringTableBuilder } from '@plimsoll/contracts/strings.ts'
import type { OutgoingMessage } from '@plimsoll/kit/log/log.ts'
import { laneCount } from '../lanes.ts'

export const samplesPerMessage = 1_000

/**
 * Message `i` of a run over `series` series, which are spread evenly over the lanes: 1,000 samples of up to 1,000 of its
 * lane's series, the next ones in turn. With identity `n` goes the low half `n` and the high half 0.
 */
export function benchMessage(i: number, series: number): OutgoingMessage {
  const lane = i % laneCount
  const perLane = Math.ceil(series / laneCount)
  const rows = Math.min(perLane, samplesPerMessage)
  const first = (Math.floor(i / laneCount) * rows) % perLane
  const strings = createStringTableBuilder()
  const seriesId = new Uint32Array(rows * 2)
  const labelRefs = new Uint32Array(rows * 4)
  for (let row = 0; row < rows; row++) {
    seriesId[row * 2] = (first + row) % perLane
    const route = `/api/v1/items/${row % 97}`
    const refs = ['instance', `10.0.${row % 250}.1:9090`, 'route', route].map((text) => strings.intern(text))
    labelRefs.set(refs, row * 4)
  }
  const name = strings.intern('http_server_request_duration_seconds_count')
  const none = new Uint8Array(0)
  const value = {
    source: 'bench',
    receivedAt: 1_760_000_000_000,
    stringBytes: strings.stringBytes(),
    stringEnds: strings.stringEnds(),
    seriesId: packColumn(seriesId),
    describedRow: none,
    seriesKind: new Uint8Array(rows).fill(1),
    seriesName: packColumn(new Uint32Array(rows).fill(name)),
    seriesUnit: packColumn(new Uint32Array(rows)),
    seriesLabelEnd: packColumn(Uint32Array.from({ length: rows }, (_, row) => (row + 1) * 4)),
    labelRefs: packColumn(labelRefs),
    sampleSeries: packColumn(Uint32Array.from({ length: samplesPerMessage }, (_, k) => k % rows)),
    sampleTime: packColumn(new Float64Array(samplesPerMessage).fill(1_760_000_000_000 + i)),
    sampleStart: none,
    sampleValue: packColumn(Float64Array.from({ length: samplesPerMessage }, (_, k) => k % 100)),
    ...noHistograms,
  }
  return {
    subject: `metric.${laneToken(lane)}.MetricBatch`,
    data: encodeEvent(METRIC_TYPE, value),
    headers: { 'Plimsoll-Type': METRIC_TYPE, 'Plimsoll-Source': 'bench' },
  }
}
