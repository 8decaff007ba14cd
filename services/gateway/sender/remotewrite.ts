import { type ProtobufWriter, protobuf } from '../decode/protobufwriter.ts'

/** What a remote-write sender says: for tests, replays and load. Nothing is checked: wrong requests are wanted too. */
export type WriteSeries = {
  /** In the order they are to be sent. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  readonly samples?: readonly WriteSample[]
  readonly histograms?: readonly WriteHistogram[]
  readonly exemplars?: readonly {
    readonly labels: readonly (readonly [string, string])[]
    readonly value: number
    readonly timeMs: number
  }[]
  /** 2.0 only: type by number, help and unit. */
  readonly metadata?: { readonly type: number; readonly help?: string; readonly unit?: string }
  /** 2.0 up to rc.3 only. */
  readonly createdMs?: number
}

export type WriteSample = {
  readonly timeMs: number
  /** A bigint states the 64 bits: the only way to say which NaN. */
  readonly value: number | bigint
  /** 2.0 only. */
  readonly startMs?: number
}

export type WriteHistogram = {
  readonly timeMs: number
  readonly startMs?: number
  readonly schema: number
  readonly sum: number | bigint
  readonly zeroThreshold?: number
  readonly resetHint?: number
  readonly bounds?: readonly number[]
  readonly positiveSpans?: readonly (readonly [gap: number, length: number])[]
  readonly negativeSpans?: readonly (readonly [gap: number, length: number])[]
} & (
  | {
      readonly count: number
      readonly zeroCount?: number
      readonly positiveDeltas?: readonly number[]
      readonly negativeDeltas?: readonly number[]
    }
  | {
      readonly countFloat: number
      readonly zeroCountFloat?: number
      readonly positiveCounts?: readonly number[]
      readonly negativeCounts?: readonly number[]
    }
)

/** The stale marker's 64 bits (Prometheus, model/value). */
export const STALE_NAN = 0x7ff0000000000002n

/** `prometheus.WriteRequest`, not compressed. */
export function encodeRemoteWrite1(
  series: readonly WriteSeries[],
  metadata: readonly {
    readonly type: number
    readonly name: string
    readonly help: string
    readonly unit?: string
  }[] = [],
): Uint8Array {
  const request = protobuf()
  for (const { labels, samples = [], exemplars = [], histograms = [] } of series) {
    request.message(1, (out) => {
      for (const [name, value] of labels) out.message(1, (label) => label.text(1, name).text(2, value))
      for (const sample of samples)
        out.message(2, (point) => writeDouble(point, 1, sample.value).varint(2, sample.timeMs))
      for (const exemplar of exemplars) {
        out.message(3, (point) => {
          for (const [name, value] of exemplar.labels) point.message(1, (label) => label.text(1, name).text(2, value))
          point.double(2, exemplar.value).varint(3, exemplar.timeMs)
        })
      }
      for (const histogram of histograms) out.message(4, (point) => writeHistogram(point, histogram))
    })
  }
  for (const { type, name, help, unit = '' } of metadata) {
    request.message(3, (out) => out.varint(1, type).text(2, name).text(4, help).text(5, unit))
  }
  return request.finish()
}

/** `io.prometheus.write.v2.Request`, not compressed. */
export function encodeRemoteWrite2(series: readonly WriteSeries[]): Uint8Array {
  const symbols = new Map<string, number>([['', 0]])
  const symbol = (text: string): number => {
    const known = symbols.get(text)
    if (known !== undefined) return known
    symbols.set(text, symbols.size)
    return symbols.size - 1
  }
  const refs = (labels: readonly (readonly [string, string])[]): number[] => labels.flat().map(symbol)
  const body = protobuf()
  for (const { labels, samples = [], histograms = [], exemplars = [], metadata, createdMs } of series) {
    body.message(5, (out) => {
      out.packed(1, refs(labels))
      for (const sample of samples) {
        out.message(2, (point) => {
          writeDouble(point, 1, sample.value).varint(2, sample.timeMs)
          if (sample.startMs !== undefined) point.varint(3, sample.startMs)
        })
      }
      for (const histogram of histograms) out.message(3, (point) => writeHistogram(point, histogram))
      for (const exemplar of exemplars) {
        out.message(4, (point) =>
          point.packed(1, refs(exemplar.labels)).double(2, exemplar.value).varint(3, exemplar.timeMs),
        )
      }
      out.message(5, (meta) =>
        meta
          .varint(1, metadata?.type ?? 0)
          .varint(3, symbol(metadata?.help ?? ''))
          .varint(4, symbol(metadata?.unit ?? '')),
      )
      if (createdMs !== undefined) out.varint(6, createdMs)
    })
  }
  const request = protobuf()
  for (const text of symbols.keys()) request.text(4, text)
  return request.raw(body.finish()).finish()
}

function writeDouble(out: ProtobufWriter, field: number, value: number | bigint): ProtobufWriter {
  return typeof value === 'bigint' ? out.fixed64(field, value) : out.double(field, value)
}

function writeHistogram(out: ProtobufWriter, histogram: WriteHistogram): void {
  const integer = 'count' in histogram
  if (integer) out.varint(1, histogram.count)
  else out.double(2, histogram.countFloat)
  writeDouble(out, 3, histogram.sum)
    .sint(4, histogram.schema)
    .double(5, histogram.zeroThreshold ?? 0)
  if (integer) out.varint(6, histogram.zeroCount ?? 0)
  else out.double(7, histogram.zeroCountFloat ?? 0)
  const writeSpans = (field: number, spans: readonly (readonly [number, number])[] = []) => {
    for (const [gap, length] of spans) out.message(field, (span) => span.sint(1, gap).varint(2, length))
  }
  writeSpans(8, histogram.negativeSpans)
  if (integer) out.packedSint(9, histogram.negativeDeltas ?? [])
  else out.packedDouble(10, histogram.negativeCounts ?? [])
  writeSpans(11, histogram.positiveSpans)
  if (integer) out.packedSint(12, histogram.positiveDeltas ?? [])
  else out.packedDouble(13, histogram.positiveCounts ?? [])
  out
    .varint(14, histogram.resetHint ?? 0)
    .varint(15, histogram.timeMs)
    .packedDouble(16, histogram.bounds ?? [])
  if (histogram.startMs !== undefined) out.varint(17, histogram.startMs)
}
