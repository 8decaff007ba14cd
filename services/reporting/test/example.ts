import { detected, established, packedHistogram, resolved, summary } from './facts.ts'
import type { Published } from './running.ts'

/** A shop on an ordinary evening, without chance: the same picture each time. */

const minute = 60_000

type Shape = {
  readonly n: number
  readonly median: number
  readonly spread: number
  readonly slow?: readonly [share: number, median: number]
}

/** n durations in ms of a log-normal shape, by its quantiles; `slow` moves a share of them to a second mode. */
function durations({ n, median, spread, slow = [0, 0] }: Shape): number[] {
  const [share, slowMedian] = slow
  const slowOnes = Math.round(n * share)
  const mode = (count: number, middle: number, width: number) =>
    Array.from({ length: count }, (_, i) => middle * Math.exp(width * normalQuantile((i + 0.5) / count)))
  return [...mode(n - slowOnes, median, spread), ...mode(slowOnes, slowMedian, 0.25)].sort((a, b) => a - b)
}

/** Odeh & Evans (1974), algorithm AS 70: good to 1.5e-8. */
function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p)
  const y = Math.sqrt(-2 * Math.log(p))
  const above = (((4.53642210148e-5 * y + 0.0204231210245) * y + 0.342242088547) * y + 1) * y + 0.322232431088
  const below = (((0.0038560700634 * y + 0.10353775285) * y + 0.531103462366) * y + 0.588581570495) * y + 0.099348462606
  return -(y - above / below)
}

function summaryOf(shape: Shape) {
  const values = durations(shape)
  const at = (p: number) => values[Math.ceil(p * values.length) - 1] ?? 0
  return {
    ...summary(shape.n, at(0.5), at(0.95), packedHistogram(values)),
    p99: at(0.99),
    p99Low: at(0.988),
    p99High: at(0.992),
  }
}

const normal: readonly (readonly [
  service: string,
  method: string,
  endpoint: string,
  shape: Shape,
  rps: number,
  errors: number,
])[] = [
  ['checkout', 'POST', '/orders', { n: 8_000, median: 62, spread: 0.35 }, 41.2, 0.4],
  ['catalog', 'GET', '/products/{id}', { n: 20_000, median: 9, spread: 0.3 }, 212.6, 0],
  ['shipping', 'GET', '/rates', { n: 3_000, median: 210, spread: 0.5 }, 8.4, 1.2],
  ['accounts', 'POST', '/login', { n: 6_000, median: 28, spread: 0.4 }, 30.2, 0.02],
  ['recommendations', 'GET', '/for/{customer}', { n: 9_000, median: 34, spread: 0.45 }, 118, 0],
  ['stock', 'GET', '/levels', { n: 4_000, median: 4, spread: 0.3 }, 96.4, 0],
  ['payments', 'POST', '/captures', { n: 2_000, median: 310, spread: 0.3 }, 12.1, 0.1],
  ['mail', '', 'send', { n: 900, median: 85, spread: 0.6 }, 1.3, 0],
]

export function exampleFacts(now: number): Published[] {
  const baselines = normal.map(([service, method, endpoint, shape, throughput, errorRate], i): Published => {
    const at = now - 12_000 - i * 900
    const latency = summaryOf(shape)
    const firmness = service === 'mail' ? 'provisional' : 'firm'
    const value = established({
      baselineId: service,
      service,
      method,
      endpoint,
      at,
      latency,
      throughput,
      errorRate,
      firmness,
    })
    return {
      type: 'plimsoll.performance.v1.BaselineEstablished',
      key: service,
      value,
      id: `example-${service}`,
      time: at,
    }
  })
  const regressions = [
    regression(
      now - 21 * minute,
      'checkout',
      { n: 900, median: 121, spread: 0.42 },
      {
        cost: 1_840,
        auc: 0.86,
        symptoms: ['storefront POST /orders'],
        suspects: ['release 2026.11.3'],
        reason: 'Every request to POST /orders got about twice as slow within one minute; nothing it calls moved.',
      },
    ),
    regression(
      now - 9 * minute,
      'catalog',
      { n: 2_400, median: 9, spread: 0.3, slow: [0.2, 60] },
      {
        cost: 310,
        auc: 0.6,
        reason: 'A fifth of GET /products/{id} now takes 60 ms, six times the usual; the rest is as before.',
      },
    ),
    regression(
      now - 3 * minute,
      'shipping',
      { n: 120, median: 330, spread: 0.5 },
      {
        state: 'suspected',
        cost: 95,
        auc: 0.74,
        detector: 'burst',
        reason: 'Two of the last three minutes of GET /rates lie above everything seen before.',
      },
    ),
  ]
  const onsetAt = now - 150 * minute
  const resolvedAt = now - 126 * minute
  const series = { regressionId: 'example-accounts', service: 'accounts', method: 'POST', endpoint: '/login' }
  const reason = 'POST /login went back to its baseline after 24 min.'
  const closed: Published = {
    type: 'plimsoll.performance.v1.RegressionResolved',
    key: 'example-accounts',
    value: resolved({ ...series, onsetAt, resolvedAt, reason }),
    id: 'example-resolved',
    time: resolvedAt,
  }
  return [...baselines, ...regressions, closed]
}

function regression(onsetAt: number, service: string, after: Shape, given: Parameters<typeof detected>[0]): Published {
  const [, method = '', endpoint = '', before = after] = normal.find(([name]) => name === service) ?? []
  const [was, is] = [summaryOf(before), summaryOf(after)]
  const detectedAt = onsetAt + 2 * minute
  const regressionId = `example-${service}`
  const values = { before: was, after: is, beforeValue: was.p95 ?? 0, afterValue: is.p95 ?? 0 }
  const value = detected({ regressionId, service, method, endpoint, onsetAt, detectedAt, ...values, ...given })
  return {
    type: 'plimsoll.performance.v1.RegressionDetected',
    key: regressionId,
    value,
    id: `example-regression-${service}`,
    time: detectedAt,
  }
}

/** As GET /v1/gateway/sources answers. */
export const exampleSources = (now: number) => ({
  items: [
    exampleSource(now - 3_000, {
      source: 'prometheus',
      protocol: 'remote-write-2',
      samples: 9_000,
      perSecond: 3_120,
      lagMs: 4_000,
    }),
    exampleSource(now - 1_000, {
      source: 'collector',
      protocol: 'otlp-traces',
      spans: 2_000,
      perSecond: 842,
      refused: [
        {
          reason: 'too-far-ahead',
          count: 14,
          advice: 'Correct the clock of the sender.',
          lastExample: 'a span 20 min ahead',
          lastAt: new Date(now).toISOString(),
        },
      ],
    }),
  ],
  next: null,
  pulls: [],
})

export const exampleSource = (lastSeenMs: number, given: object) => ({
  lastSeenAt: new Date(lastSeenMs).toISOString(),
  ...{ lagMs: 1_000, refused: [], samples: 0, histograms: 0, spans: 0, events: 0 },
  ...given,
})

/** As GET /v1/performance/series/:id answers: a step in the middle of the time asked for. */
export function exampleHistory({ from = '', to = '' }: Record<string, string>) {
  const points = []
  const end = Date.parse(to)
  const onset = end - (end - Date.parse(from)) / 2
  for (let at = Date.parse(from); at < end; at += minute) {
    const slow = at >= onset ? 2 : 1
    const wave = 1 + 0.06 * Math.sin(at / 140_000)
    points.push({ at: new Date(at).toISOString(), p50Ms: 62 * slow * wave, p95Ms: 110 * slow * wave })
  }
  return { points }
}

/** The routes of other services the page reads. */
export const exampleAnswers = {
  '/v1/gateway/sources': () => exampleSources(Date.now()),
  '/v1/performance/baselines': () => ({ items: [], next: null }),
  '/v1/performance/regressions/:id': () => ({ seriesId: '1' }),
  '/v1/performance/series/:id': exampleHistory,
}
