import { parseArgs } from 'node:util'
import { remoteWriteBodies, SAMPLES_PER_REQUEST, type Shape, spanBodies } from './payloads.ts'
import { otlpHeaders, quantile, remoteWriteHeaders, type Sent, sendAll } from './send.ts'

const usage = `usage: npm run loadgen -- [options]

Sends load to a running gateway and prints what it answered.

  --url URL           where it listens (http://127.0.0.1:8080)
  --shape W1|W2|spans W1: 500 series x 20 samples; W2: 48,000 series x 1; spans: OTLP traces (W2)
  --version 1|2       remote write version (1)
  --rounds N          how often every series is sent, or requests of 10,000 spans (5)
  --series N          series instead of the shape's own number
  --connections N     (4)
  --key KEY           API key
`

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    shape: { type: 'string', default: 'W2' },
    version: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    series: { type: 'string' },
    connections: { type: 'string', default: '4' },
    key: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help || !['W1', 'W2', 'spans'].includes(values.shape) || !['1', '2'].includes(values.version)) {
  process.stderr.write(usage)
  process.exit(values.help ? 0 : 2)
}

const rounds = Number(values.rounds)
const connections = Number(values.connections)
const authorization: Record<string, string> = values.key === undefined ? {} : { authorization: `Bearer ${values.key}` }

const [sent, elements, noun] = values.shape === 'spans' ? await sendSpans() : await sendSamples(values.shape as Shape)
const perSecond = Math.round(elements / (sent.elapsedMs / 1000))
process.stdout.write(
  `${elements.toLocaleString('en')} ${noun} in ${sent.requests} requests, ${(sent.elapsedMs / 1000).toFixed(1)} s: ` +
    `${perSecond.toLocaleString('en')} ${noun}/s, p50 ${quantile(sent.latenciesMs, 0.5).toFixed(1)} ms, ` +
    `p99 ${quantile(sent.latenciesMs, 0.99).toFixed(1)} ms, answers ${JSON.stringify(sent.statuses)}\n`,
)

async function sendSamples(shape: Shape): Promise<[Sent, number, string]> {
  const version = values.version === '1' ? 1 : 2
  const series = values.series === undefined ? {} : { series: Number(values.series) }
  const bodies = [
    ...remoteWriteBodies({ shape, version, rounds, startMs: Date.now() - rounds * 20 * 15_000, ...series }),
  ]
  const headers = { ...remoteWriteHeaders(version), ...authorization }
  const sent = await sendAll(bodies, { url: `${values.url}/api/v1/write`, headers, connections })
  return [sent, bodies.length * SAMPLES_PER_REQUEST[shape], 'samples']
}

async function sendSpans(): Promise<[Sent, number, string]> {
  const spansPerRequest = 9_996
  const bodies = [...spanBodies({ spansPerRequest, requests: rounds, startMs: Date.now() - 60_000 })]
  const headers = { ...otlpHeaders, ...authorization }
  return [
    await sendAll(bodies, { url: `${values.url}/v1/traces`, headers, connections }),
    rounds * spansPerRequest,
    'spans',
  ]
}
