import type { SeriesRefusal } from '../batch/registry.ts'

/** Why part of a request, or all of it, was not taken. A fixed set: it is a label of metrics and a key of the ledger. */
export type RefusalReason =
  | SeriesRefusal
  | 'malformed-body'
  | 'unsupported-media-type'
  | 'too-large'
  | 'overloaded'
  | 'unavailable'
  | 'odd-label-refs'
  | 'invalid-symbol-ref'
  | 'too-far-ahead'
  | 'histogram-schema'
  | 'histogram-spans'
  | 'histogram-buckets'
  | 'histogram-count'
  | 'histogram-bounds'
  | 'histogram-too-large'
  | 'temporality-unspecified'
  | 'no-data'
  | 'invalid-span'
  | 'signal-not-taken'

export type Refusal = { readonly reason: RefusalReason; count: number; readonly example: string }

/** What became of one request's content. `refused` holds one entry per reason with its first example. */
export type Outcome = {
  samples: number
  histograms: number
  exemplars: number
  metadata: number
  spans: number
  readonly refused: Map<RefusalReason, Refusal>
}

export function createOutcome(): Outcome {
  return { samples: 0, histograms: 0, exemplars: 0, metadata: 0, spans: 0, refused: new Map() }
}

/** Counts `count` elements as refused; `example` is only called for the first of its reason. */
export function refuse(outcome: Outcome, reason: RefusalReason, count: number, example: () => string): void {
  const known = outcome.refused.get(reason)
  if (known !== undefined) known.count += count
  else outcome.refused.set(reason, { reason, count, example: shortened(example()) })
}

export function refusedCount(outcome: Outcome): number {
  let count = 0
  for (const refusal of outcome.refused.values()) count += refusal.count
  return count
}

/** One line for the sender's log: each reason with its count and an example. */
export function explainRefusals(outcome: Outcome): string {
  return [...outcome.refused.values()]
    .map(
      ({ reason, count, example }) =>
        `${count} refused: ${reason}, ${advice[reason]}${example === '' ? '' : ` (first: ${example})`}`,
    )
    .join('; ')
}

const MAX_EXAMPLE = 200

function shortened(text: string): string {
  return text.length <= MAX_EXAMPLE ? text : `${text.slice(0, MAX_EXAMPLE)}...`
}

/** What the sender has to change. */
export const advice: Readonly<Record<RefusalReason, string>> = {
  'missing-metric-name': 'every series needs a __name__ label that is not empty',
  'empty-label-name': 'label names must not be empty',
  'duplicate-label': 'a label name may occur once in a series',
  'invalid-utf8': 'label names and values must be UTF-8',
  'labels-too-long': 'the labels of a series may take 64 KiB in all',
  'series-budget':
    'this source has reached its series budget: drop labels of high cardinality or raise GATEWAY_MAX_SERIES',
  'malformed-body': 'the body does not parse',
  'unsupported-media-type': 'the content type or encoding is not one this address takes',
  'too-large': 'send smaller requests or raise GATEWAY_MAX_BODY_BYTES',
  overloaded: 'try again after the time in Retry-After',
  unavailable: 'the broker stores nothing at the moment; try again after the time in Retry-After',
  'odd-label-refs': 'label refs come in pairs of name and value',
  'invalid-symbol-ref': 'a ref points outside the symbols of the request',
  'too-far-ahead': 'the time of a sample may be at most 10 minutes ahead of this clock: check the sender’s clock',
  'histogram-schema':
    'a histogram’s schema must be -4 to 8, or -53 for custom bounds; an exponential scale must be -4 or more',
  'histogram-spans': 'the lengths of a histogram’s spans must add up to its number of buckets',
  'histogram-buckets': 'bucket counts must not be negative',
  'histogram-count': 'a histogram’s count must equal the sum of its buckets',
  'histogram-bounds': 'bounds must ascend, be finite and be one fewer than the buckets',
  'histogram-too-large': 'a histogram may have 20,000 buckets',
  'temporality-unspecified': 'sums and histograms must state cumulative or delta temporality',
  'no-data': 'the metric or point holds no value',
  'invalid-span': 'a span needs a trace id of 16 bytes, a span id of 8 bytes and an end that is not before its start',
  'signal-not-taken': 'logs are not taken: send metrics and traces, keep logs where they are',
}
