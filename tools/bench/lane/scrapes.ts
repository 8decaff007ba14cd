import { packColumn } from '@plimsoll/contracts/columns.ts'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import { laneToken } from '@plimsoll/contracts/lane.ts'
import { METRIC_TYPE, noHistograms } from '@plimsoll/contracts/metric-batch.ts'
import { createStringTableBuilder } from '@plimsoll/contracts/strings.ts'
import type { OutgoingMessage } from '@plimsoll/kit/log/log.ts'
import { laneCount } from '../lanes.ts'

const bounds = ['0.025', '0.05', '0.1', '0.25', '0.5', '1', '+Inf']
const shares = [0.1, 0.3, 0.6, 0.9, 0.97, 0.99, 1]
/** Names without digits, which would be taken for ids and put together. */
const routes = Array.from({ length: 50 }, (_, i) => `/${'abcdefghij'[i % 10]}${'abcde'[Math.floor(i / 10)]}`)
const endpointsPerMessage = 125
const startMs = 1_760_000_040_000
/** The gateway says what a series is once in so many batches. */
const describeEvery = 16

export const samplesPerScrapeMessage = endpointsPerMessage * bounds.length

/** Messages that hold one scrape of so many endpoints, spread evenly over the lanes. */
export const messagesPerScrape = (endpoints: number): number =>
  laneCount * Math.ceil(endpoints / laneCount / endpointsPerMessage)

/**
 * Message `i` of a fleet whose endpoints each have a classic latency histogram, read every `everyMs`: 100 to 150 requests
 * a scrape, spread over the buckets with some noise. A service has 50 endpoints.
 */
export function scrapeMessage(i: number, endpoints: number, everyMs = 15_000): OutgoingMessage {
  const perScrape = messagesPerScrape(endpoints)
  const scrape = Math.floor(i / perScrape)
  const lane = i % laneCount
  const first = Math.floor((i % perScrape) / laneCount) * endpointsPerMessage
  const rows = samplesPerScrapeMessage
  const strings = createStringTableBuilder()
  const isDescribed = scrape % describeEvery === 0
  const seriesId = new Uint32Array(rows * 2)
  const labelRefs = new Uint32Array(isDescribed ? rows * 6 : 0)
  const value = new Float64Array(rows)
  for (let row = 0; row < rows; row++) {
    const bucket = row % bounds.length
    const endpoint = first + Math.floor(row / bounds.length)
    seriesId[row * 2] = endpoint * bounds.length + bucket
    seriesId[row * 2 + 1] = lane
    const requests = scrape * (100 + (endpoint % 50)) + ((scrape * 7 + endpoint) % 10)
    value[row] = Math.round(requests * (shares[bucket] ?? 1))
    if (!isDescribed) continue
    const service = `service-${lane}-${Math.floor(endpoint / routes.length)}`
    const labels = ['job', service, 'route', routes[endpoint % routes.length] ?? '', 'le', bounds[bucket] ?? '']
    labelRefs.set(
      labels.map((text) => strings.intern(text)),
      row * 6,
    )
  }
  const described = isDescribed ? rows : 0
  const name = strings.intern('http_request_duration_seconds_bucket')
  const atMs = startMs + scrape * everyMs
  const none = new Uint8Array(0)
  const batch = {
    source: 'bench',
    receivedAt: atMs,
    stringBytes: strings.stringBytes(),
    stringEnds: strings.stringEnds(),
    seriesId: packColumn(seriesId),
    describedRow: none,
    seriesKind: new Uint8Array(described).fill(1),
    seriesName: packColumn(new Uint32Array(described).fill(name)),
    seriesUnit: packColumn(new Uint32Array(described)),
    seriesLabelEnd: packColumn(Uint32Array.from({ length: described }, (_, row) => (row + 1) * 6)),
    labelRefs: packColumn(labelRefs),
    sampleSeries: packColumn(Uint32Array.from({ length: rows }, (_, row) => row)),
    sampleTime: packColumn(new Float64Array(rows).fill(atMs)),
    sampleStart: none,
    sampleValue: packColumn(value),
    ...noHistograms,
  }
  return {
    subject: `metric.${laneToken(lane)}.MetricBatch`,
    data: encodeEvent(METRIC_TYPE, batch),
    headers: { 'Plimsoll-Type': METRIC_TYPE, 'Plimsoll-Source': 'bench' },
  }
}
