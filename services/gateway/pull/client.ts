import { setTimeout as delay } from 'node:timers/promises'
import { appError } from '@plimsoll/kit/errors.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { AnswerHistogram } from './domain/answerhistogram.ts'
import type { Metadata } from './domain/kind.ts'
import { type Span, typicalSpacing } from './domain/span.ts'

/** One series of an answer. Values are text: that is how JSON carries NaN and infinities. */
export type AnswerSeries = {
  readonly metric: Readonly<Record<string, string>>
  readonly values?: readonly (readonly [number, string])[]
  readonly histograms?: readonly (readonly [number, AnswerHistogram])[]
}

export type PrometheusClient = {
  /** Names of metrics with samples between the two times. */
  names(fromMs: number, untilMs: number, signal: AbortSignal): Promise<readonly string[]>
  /** Types and units; empty where the server keeps none (Thanos and Mimir may). */
  metadata(signal: AbortSignal): Promise<Metadata>
  /** Typical distance between samples, seconds; undefined while there is too little history. */
  scrapeIntervalSeconds(signal: AbortSignal): Promise<number | undefined>
  /** Series of one metric over a stretch. Throws `too-large` when a shorter stretch should be asked for. */
  range(name: string, span: Span, signal: AbortSignal): Promise<readonly AnswerSeries[]>
}

export type ClientOptions = {
  readonly url: string
  readonly token?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly queriesPerSecond: number
}

const timeoutMs = 60_000
const maxAnswerBytes = 64 * 1024 * 1024

/**
 * A Prometheus query API. Errors say what the operator has to look at: `unavailable` (transient) when it does not
 * answer or is overloaded, `unauthenticated` when it refuses us, `too-large`, and `bad-request` for what it will
 * never answer.
 */
export function createPrometheusClient(options: ClientOptions): PrometheusClient {
  const base = options.url.replace(/\/+$/, '')
  const headers = authorization(options)
  const spacingMs = 1_000 / options.queriesPerSecond
  let nextAt = 0

  async function ask(
    path: string,
    parameters: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const now = performance.now()
    nextAt = Math.max(now, nextAt + spacingMs)
    if (nextAt > now) await delay(nextAt - now, undefined, { signal })
    const url = `${base}/api/v1/${path}?${new URLSearchParams(parameters)}`
    const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const response = await fetch(url, { headers, signal: within }).catch((error: unknown) => {
      signal.throwIfAborted()
      throw appError('unavailable', `${base} does not answer: check PLIMSOLL_PROMETHEUS_URL and the network.`, {
        cause: error,
      })
    })
    const text = await boundedText(response, base).catch((error: unknown) => {
      signal.throwIfAborted()
      throw error
    })
    return answerOf(response.status, text, base)
  }

  return {
    async names(fromMs, untilMs, signal) {
      const data = await ask('label/__name__/values', { start: seconds(fromMs), end: seconds(untilMs) }, signal)
      if (!isNames.Check(data)) throw notPrometheus(base)
      return data
    },
    async metadata(signal) {
      const data = await ask('metadata', {}, signal).catch((error: unknown) => {
        if (isTransient(error)) throw error
        return {}
      })
      if (!isMetadata.Check(data)) return new Map()
      return new Map(Object.entries(data).flatMap(([name, [first]]) => (first === undefined ? [] : [[name, first]])))
    },
    async scrapeIntervalSeconds(signal) {
      // A range selector without a function answers with the samples as they were scraped.
      const data = await ask('query', { query: 'up[5m]' }, signal)
      if (!isMatrix.Check(data)) return undefined
      return typicalSpacing(data.result.map(({ values = [] }) => values.map(([time]) => time)))
    },
    async range(name, { fromMs, untilMs, stepMs }, signal) {
      const query = `{__name__=${JSON.stringify(name)}}`
      const start = seconds(fromMs + stepMs)
      const data = await ask('query_range', { query, start, end: seconds(untilMs), step: seconds(stepMs) }, signal)
      if (!isMatrix.Check(data)) throw notPrometheus(base)
      return data.result
    },
  }
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(3)

const isTransient = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'unavailable'

const pair = Type.Tuple([Type.Number(), Type.String()])
const isNames = Compile(Type.Array(Type.String()))
const isMetadata = Compile(
  Type.Record(Type.String(), Type.Array(Type.Object({ type: Type.String(), unit: Type.String() }))),
)
const isMatrix = Compile(
  Type.Object({
    result: Type.Array(
      Type.Object({
        metric: Type.Record(Type.String(), Type.String()),
        values: Type.Optional(Type.Array(pair)),
        histograms: Type.Optional(
          Type.Array(
            Type.Tuple([
              Type.Number(),
              Type.Object({
                count: Type.String(),
                sum: Type.String(),
                buckets: Type.Optional(
                  Type.Array(Type.Tuple([Type.Number(), Type.String(), Type.String(), Type.String()])),
                ),
              }),
            ]),
          ),
        ),
      }),
    ),
  }),
)

const notPrometheus = (base: string) =>
  appError('bad-request', `${base} answers, but not as Prometheus does: does PLIMSOLL_PROMETHEUS_URL name its API?`)

function authorization({ token, user, password }: ClientOptions): Record<string, string> {
  if (token !== undefined) return { authorization: `Bearer ${token}` }
  if (user === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` }
}

async function boundedText(response: Response, base: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      if (bytes > maxAnswerBytes) throw appError('too-large', 'The answer is larger than 64 MiB.')
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'too-large') throw error
    throw appError('unavailable', `${base} broke off its answer.`, { cause: error })
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** `data` of a successful answer. Status codes and error types: Prometheus HTTP API, "Format overview". */
function answerOf(status: number, text: string, base: string): unknown {
  const body = jsonOf(text)
  if (status === 200 && body?.status === 'success') return body.data
  const said = body?.error ?? text.slice(0, 200)
  if (status === 401 || status === 403) {
    throw appError(
      'unauthenticated',
      `${base} refuses the credentials (${status}): check PLIMSOLL_PROMETHEUS_TOKEN or _USER and _PASSWORD.`,
    )
  }
  if (/too many samples|exceeded maximum resolution|max-samples|too large|too many/i.test(said)) {
    throw appError('too-large', `${base}: ${said}`)
  }
  if (status === 429 || status >= 500) throw appError('unavailable', `${base} answers ${status}: ${said}`)
  throw appError('bad-request', `${base} answers ${status}: ${said}`)
}

function jsonOf(text: string): { status?: unknown; data?: unknown; error?: string } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
