import type { FastifyError } from 'fastify'
import { type TObject, Type } from 'typebox'
import { AppError, type ErrorCode, errorTable, isTransient } from '../errors.ts'

/** A problem document, RFC 9457. `errors` lists what is wrong with the input, part by part. */
export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly requestId?: string
  readonly errors?: readonly { readonly field: string; readonly expected: string }[]
}

export const problemContentType = 'application/problem+json'

export const problemSchema: TObject = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What happened and what to do about it.' }),
    code: Type.String({ description: 'Stable name of the kind of problem.' }),
    requestId: Type.Optional(Type.String({ description: 'Finds the request in our logs.' })),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), expected: Type.String() }))),
  },
  { description: 'Problem details (RFC 9457)' },
)

// What Fastify itself raises, in our terms: the code, and what the caller should do.
const ofFastify: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['too-large', 'Send less at once: split the body.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'Send application/json.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad-request', 'Content-Length differs from what was sent.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['bad-request', 'The body is not valid JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['bad-request', 'The body is empty: send JSON, or leave Content-Type out.'],
  FST_ERR_BAD_URL: ['bad-request', 'The URL is not well formed: write it in UTF-8, percent-encoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['bad-request', 'A part of the path is longer than 500 characters; no id is.'],
  FST_ERR_MAX_HEADERS: ['headers-too-large', 'Send fewer or shorter headers.'],
}

const codeOfStatus: ReadonlyMap<number, ErrorCode> = new Map(
  (Object.keys(errorTable) as ErrorCode[]).reverse().map((code) => [errorTable[code].status, code]),
)

/** What the caller is told about an error: our own words for our own errors, nothing of the inside for any other. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const { code = '', statusCode, message } = error as Partial<FastifyError>
  const known = ofFastify[code]
  if (known !== undefined) return new AppError(known[0], errorTable[known[0]].status, known[1], { cause: error })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AppError(codeOfStatus.get(statusCode) ?? 'bad-request', statusCode, message ?? '', { cause: error })
  }
  return isTransient(error)
    ? new AppError('unavailable', 503, 'A server behind this one does not answer at the moment. Try again shortly.', {
        cause: error,
        retryAfterMs: 2_000,
      })
    : new AppError('internal', 500, 'The request failed on our side. The log has the details under this request id.', {
        cause: error,
      })
}

export function problemOf(error: AppError, requestId?: string): Problem {
  const { code, status, message, fields } = error
  return {
    type: `urn:plimsoll:problem:${code}`,
    title: errorTable[code].title,
    status,
    detail: message,
    code,
    ...(requestId !== undefined && { requestId }),
    ...(fields.length > 0 && { errors: fields }),
  }
}
