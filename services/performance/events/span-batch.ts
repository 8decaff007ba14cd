/** SpanBatch -> fold. */

import type { SpanBatchView } from '@plimsoll/contracts/span-batch.ts'
import type { Fold } from '../domain/fold.ts'
import { foldSpans, type SpanLink } from '../domain/spans.ts'

/** Folds one batch; returns the links of traces to keep. */
export function foldSpanBatch(fold: Fold, batch: SpanBatchView): SpanLink[] {
  fold.receivedAtMs = Math.max(fold.receivedAtMs, batch.receivedAt)
  const spans = {
    count: batch.spanRows,
    trace: batch.traceId,
    span: batch.spanId,
    parent: batch.parentSpanId,
    startMs: batch.startTime,
    durationMs: batch.durationMs,
    kind: batch.kind,
    status: batch.status,
    httpStatus: batch.httpStatus,
    service: batch.serviceRef,
    environment: batch.environmentRef,
    release: batch.releaseRef,
    name: batch.nameRef,
    route: batch.routeRef,
    method: batch.methodRef,
    peer: batch.peerRef,
    text: batch.strings.at,
  }
  return foldSpans(fold, batch.source, spans, batch.receivedAt)
}
