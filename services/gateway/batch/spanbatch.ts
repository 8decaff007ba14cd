import { packColumn } from '@plimsoll/contracts/columns.ts'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import type { TextTable } from './registry.ts'
import { SPAN_ID_BYTES, SPAN_TEXTS, type SpanColumns, spanText, TRACE_ID_BYTES } from './spancolumns.ts'
import { createStringDictionary } from './stringdictionary.ts'

/** Ref columns of the batch being encoded; batches are encoded one at a time. */
let scratch = new Uint32Array(SPAN_TEXTS * 512)

/** One SpanBatch as it goes on the wire. */
export function encodeSpanBatch(
  source: string,
  texts: TextTable,
  columns: SpanColumns,
  receivedAtMs: number,
): Uint8Array {
  const count = columns.spans
  const strings = createStringDictionary(texts)
  if (scratch.length < count * SPAN_TEXTS) scratch = new Uint32Array(count * SPAN_TEXTS * 2)
  const refs = (number: number): Uint8Array => {
    const column = scratch.subarray(number * count, (number + 1) * count)
    let last = 0
    let ref = 0
    for (let i = 0; i < count; i++) {
      const text = columns.texts[i * SPAN_TEXTS + number] as number
      if (text !== last) {
        last = text
        ref = strings.ref(text)
      }
      column[i] = ref
    }
    return packColumn(column)
  }
  const refColumns = {
    serviceRef: refs(spanText.service),
    environmentRef: refs(spanText.environment),
    releaseRef: refs(spanText.release),
    instanceRef: refs(spanText.instance),
    nameRef: refs(spanText.name),
    routeRef: refs(spanText.route),
    methodRef: refs(spanText.method),
    systemRef: refs(spanText.system),
    operationRef: refs(spanText.operation),
    statementRef: refs(spanText.statement),
    peerRef: refs(spanText.peer),
  }
  return encodeEvent('plimsoll.telemetry.v1.SpanBatch', {
    source,
    receivedAt: receivedAtMs,
    stringBytes: strings.bytes(),
    stringEnds: packColumn(strings.ends()),
    traceId: columns.traceId.subarray(0, count * TRACE_ID_BYTES),
    spanId: columns.spanId.subarray(0, count * SPAN_ID_BYTES),
    parentSpanId: columns.parentSpanId.subarray(0, count * SPAN_ID_BYTES),
    startTime: packColumn(columns.startTime.subarray(0, count)),
    durationMs: packColumn(columns.durationMs.subarray(0, count)),
    kind: columns.kind.subarray(0, count),
    status: columns.status.subarray(0, count),
    httpStatus: packColumn(columns.httpStatus.subarray(0, count)),
    ...refColumns,
  })
}
