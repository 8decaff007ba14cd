import { packColumn } from '@plimsoll/contracts/columns.ts'
import { encodeEvent } from '@plimsoll/contracts/events.ts'
import type { TextTable } from './registry.ts'
import { ID_BYTES, SPAN_TEXTS, type SpanColumns, spanText } from './spancolumns.ts'
import { createStringDictionary } from './stringdictionary.ts'

/** One SpanBatch as it goes on the wire. */
export function encodeSpanBatch(
  source: string,
  texts: TextTable,
  columns: SpanColumns,
  receivedAtMs: number,
): Uint8Array {
  const count = columns.spans
  const strings = createStringDictionary(texts)
  const textColumn = (offset: number): Uint8Array => {
    const column = new Uint32Array(count)
    for (let i = 0; i < count; i++) column[i] = strings.ref(columns.texts[i * SPAN_TEXTS + offset] as number)
    return packColumn(column)
  }
  const idColumn = (offset: number, width: number): Uint8Array => {
    const column = new Uint8Array(count * width)
    for (let i = 0; i < count; i++) {
      const from = i * ID_BYTES + offset
      for (let j = 0; j < width; j++) column[i * width + j] = columns.ids[from + j] as number
    }
    return column
  }
  const refs = {
    serviceRef: textColumn(spanText.service),
    environmentRef: textColumn(spanText.environment),
    releaseRef: textColumn(spanText.release),
    instanceRef: textColumn(spanText.instance),
    nameRef: textColumn(spanText.name),
    routeRef: textColumn(spanText.route),
    methodRef: textColumn(spanText.method),
    systemRef: textColumn(spanText.system),
    operationRef: textColumn(spanText.operation),
    statementRef: textColumn(spanText.statement),
    peerRef: textColumn(spanText.peer),
  }
  return encodeEvent('plimsoll.telemetry.v1.SpanBatch', {
    source,
    receivedAt: receivedAtMs,
    stringBytes: strings.bytes(),
    stringEnds: packColumn(strings.ends()),
    traceId: idColumn(0, 16),
    spanId: idColumn(16, 8),
    parentSpanId: idColumn(24, 8),
    startTime: packColumn(columns.startTime.subarray(0, count)),
    durationMs: packColumn(columns.durationMs.subarray(0, count)),
    kind: packColumn(columns.kind.subarray(0, count)),
    status: packColumn(columns.status.subarray(0, count)),
    httpStatus: packColumn(columns.httpStatus.subarray(0, count)),
    ...refs,
  })
}
