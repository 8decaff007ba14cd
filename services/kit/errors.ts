/** Every error a user or an operator can meet: its code, its HTTP status, whether trying again later may help. */
export const errorTable = {
  'bad-request': { status: 400, title: 'The request is not valid', transient: false },
  unauthenticated: { status: 401, title: 'No valid credentials were given', transient: false },
  forbidden: { status: 403, title: 'The caller may not do this', transient: false },
  'not-found': { status: 404, title: 'There is nothing here', transient: false },
  'method-not-allowed': { status: 405, title: 'This address does not take this method', transient: false },
  'not-acceptable': { status: 406, title: 'The answer is not available in the form asked for', transient: false },
  'request-timeout': { status: 408, title: 'The request did not arrive in time', transient: true },
  conflict: { status: 409, title: 'The request conflicts with the present state', transient: false },
  'precondition-failed': { status: 412, title: 'The resource has changed since it was read', transient: false },
  'too-large': { status: 413, title: 'The request is too large', transient: false },
  'unsupported-media-type': { status: 415, title: 'The content type or encoding is not supported', transient: false },
  unprocessable: { status: 422, title: 'The request is well formed but cannot be carried out', transient: false },
  'rate-limited': { status: 429, title: 'Too many requests', transient: true },
  'headers-too-large': { status: 431, title: 'The request headers are too large', transient: false },
  internal: { status: 500, title: 'Something went wrong on our side', transient: false },
  'not-implemented': { status: 501, title: 'This is not offered', transient: false },
  unavailable: { status: 503, title: 'The service cannot answer at the moment', transient: true },
  'database-unavailable': { status: 503, title: 'The database does not answer', transient: true },
  'broker-unavailable': { status: 503, title: 'The broker does not answer', transient: true },
  /** It answers that it cannot: its disk is full, JetStream is off, a stream is missing or without a leader. */
  'broker-refused': { status: 503, title: 'The broker cannot store at the moment', transient: true },
  timeout: { status: 504, title: 'An answer did not come in time', transient: true },
  /** Start-up: something the operator has to correct before the process can run. */
  configuration: { status: 500, title: 'The configuration is not valid', transient: false },
  'server-not-found': { status: 500, title: 'A server this installation needs was not found', transient: false },
  'server-failed': { status: 500, title: 'A server this installation needs did not start', transient: false },
  /** The log: see kit/lanes. */
  poison: { status: 422, title: 'The message can never be handled', transient: false },
  'log-gap': { status: 500, title: 'Messages are missing from the log', transient: false },
  'incarnation-changed': { status: 500, title: 'The stream is not the one this lane has read', transient: false },
  'lane-fenced': { status: 503, title: 'Another owner has taken the lane', transient: true },
} as const satisfies Record<string, { status: number; title: string; transient: boolean }>

export type ErrorCode = keyof typeof errorTable

export type AppErrorOptions = {
  readonly cause?: unknown
  /** What a client should wait before it tries again; becomes `Retry-After`. */
  readonly retryAfterMs?: number
  /** Problems by field, as a problem document's `errors` member lists them. */
  readonly fields?: readonly FieldProblem[]
}

/** One thing wrong with one input. `field` is a JSON pointer or a parameter's name. */
export type FieldProblem = { readonly field: string; readonly expected: string }

/** An error that says who has to do what. `message` tells the reader what to do next. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly status: number
  readonly retryAfterMs: number | undefined
  readonly fields: readonly FieldProblem[]

  constructor(code: ErrorCode, status: number, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = status
    this.retryAfterMs = options.retryAfterMs
    this.fields = options.fields ?? []
  }
}

/**
 * An error from the table.
 * @example throw appError('not-found', `No regression has the id ${id}; list them with GET /v1/performance/regressions.`)
 */
export function appError(code: ErrorCode, message: string, options?: AppErrorOptions): AppError {
  return new AppError(code, errorTable[code].status, message, options)
}

/**
 * A message that can never be handled: undecodable, of an unknown schema, refused by the domain. It goes to the dead
 * letters in the transaction that moves the checkpoint past it.
 * @example throw poison('MetricBatch: 3 series but 4 entries in the column "unit"')
 */
export function poison(message: string, options?: AppErrorOptions): AppError {
  return appError('poison', message, options)
}

export const isPoison = (error: unknown): boolean => error instanceof AppError && error.code === 'poison'

// Node's own network errors: the other side is away or going away.
const transientSystemErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ABORT_ERR',
])

// PostgreSQL's SQLSTATE: whole classes (first two characters) and single states (Appendix A of its manual).
const transientSqlClasses = new Set(['08', '53', '57', '58'])
const transientSqlStates = new Set(['40001', '40P01', '55P03', '25006'])

// Client codes of nats (ErrorCode in nats-core) that mean: not connected, not answering, not now.
const transientBrokerErrors = new Set([
  'TIMEOUT',
  'DISCONNECT',
  'CONNECTION_CLOSED',
  'CONNECTION_DRAINING',
  'CONNECTION_REFUSED',
  'CONNECTION_TIMEOUT',
  'STALE_CONNECTION',
  '503',
])

// pg and its pool raise these without a code.
const transientMessages =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Query read timeout|Connection ended)/

/** True when the same work may succeed later: database, broker or network away, a timeout, a lost race. */
export function isTransient(error: unknown): boolean {
  if (error instanceof AppError) return errorTable[error.code].transient
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isTransient)
  if (!(error instanceof Error)) return false
  if (error.name === 'TimeoutError' || transientMessages.test(error.message)) return true
  const code: unknown = 'code' in error ? error.code : undefined
  if (typeof code === 'string' && isTransientCode(code)) return true
  return error.cause !== undefined && error.cause !== error && isTransient(error.cause)
}

function isTransientCode(code: string): boolean {
  if (transientSystemErrors.has(code) || transientBrokerErrors.has(code) || transientSqlStates.has(code)) return true
  return code.length === 5 && transientSqlClasses.has(code.slice(0, 2))
}

/** The text of anything thrown, its causes included, on one line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own =
    error.message || (error instanceof AggregateError ? error.errors.map(describeError).join('; ') : error.name)
  const cause = error.cause === undefined ? '' : ` (${describeError(error.cause)})`
  return `${own}${cause}`.replaceAll(/\s*\n\s*/g, ' ')
}
