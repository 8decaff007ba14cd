import { isSpanContextValid, trace } from '@opentelemetry/api'
import { type DestinationStream, type Logger, pino } from 'pino'

export type LoggerOptions = {
  readonly level: string
  readonly format: 'json' | 'pretty'
  readonly destination?: DestinationStream
}

/** JSON lines with the ids of the active trace; or, for a person at a terminal, short ones. */
export function createLogger({ level, format, destination }: LoggerOptions): Logger {
  const stream = destination ?? pino.destination({ dest: 2, sync: true })
  return pino(
    {
      level,
      base: format === 'json' ? { pid: process.pid } : null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ['headers.authorization', 'headers.cookie', 'req.headers.authorization', 'req.headers.cookie'],
      mixin: traceIds,
      serializers: { err: errorFields },
    },
    format === 'json' ? stream : { write: (line) => stream.write(prettyLine(line)) },
  )
}

/** What tells one error from another. Errors of clients carry the client itself, with all it knows: that stays out. */
function errorFields(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message, stack, cause } = error
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  return { type: name, message, ...code, stack, ...(cause !== undefined && { cause: errorFields(cause) }) }
}

function traceIds(): object {
  const span = trace.getActiveSpan()?.spanContext()
  return span !== undefined && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {}
}

type Line = { level: string; time: string; msg?: string; service?: string; err?: { message?: string; stack?: string } }

/** `09:15:02 warn performance: lane 07 halted` */
export function prettyLine(json: string): string {
  const { level, time, msg = '', service, err } = JSON.parse(json) as Line
  const severe = level === 'error' || level === 'fatal'
  const cause = err === undefined ? '' : `\n  ${(severe ? err.stack : err.message) ?? ''}`
  return `${time.slice(11, 19)} ${level}${service === undefined ? '' : ` ${service}`}: ${msg}${cause}\n`
}
