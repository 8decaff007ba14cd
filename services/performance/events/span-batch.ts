/** SpanBatch -> fold. */

import { f64Column, u8Column, u16Column, u32Column } from '@plimsoll/contracts/columns.ts'
import type { EventValue } from '@plimsoll/contracts/events.ts'
import { stringTable } from '@plimsoll/contracts/strings.ts'
import { poison } from '@plimsoll/kit/errors.ts'
import type { Fold } from '../domain/fold.ts'
import { foldSpans, type SpanLink } from '../domain/spans.ts'

type SpanBatch = EventValue<'plimsoll.telemetry.v1.SpanBatch'>

/** Folds one batch; returns the links of traces to keep. Throws poison when its columns do not belong together. */
export function foldSpanBatch(fold: Fold, batch: SpanBatch): SpanLink[] {
  const startMs = f64Column(batch.startTime)
  const count = startMs.length
  const strings = stringTable(batch.stringBytes, batch.stringEnds)
  const spans = {
    count,
    trace: u32Column(batch.traceId),
    span: u32Column(batch.spanId),
    parent: u32Column(batch.parentSpanId),
    startMs,
    durationMs: f64Column(batch.durationMs),
    kind: u8Column(batch.kind),
    status: u8Column(batch.status),
    httpStatus: u16Column(batch.httpStatus),
    service: u32Column(batch.serviceRef),
    environment: u32Column(batch.environmentRef),
    release: u32Column(batch.releaseRef),
    name: u32Column(batch.nameRef),
    route: u32Column(batch.routeRef),
    method: u32Column(batch.methodRef),
    peer: u32Column(batch.peerRef),
    text: strings.at,
  }
  const short = [spans.durationMs, spans.kind, spans.status, spans.service, spans.name].find((c) => c.length !== count)
  if (short !== undefined) throw poison(`SpanBatch: ${count} start times but a column of ${short.length}`)
  fold.receivedAtMs = Math.max(fold.receivedAtMs, batch.receivedAt)
  return foldSpans(fold, batch.source, spans, batch.receivedAt)
}
