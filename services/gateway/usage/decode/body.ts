import { isUtf8 } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import { DecodeError } from '../../decode/failure.ts'

/** As much as Segment, PostHog and Mixpanel take, inflated too. */
export const MAX_BODY_BYTES = 1024 * 1024

/**
 * The JSON a sender meant, by the body's content and not by its label: RudderStack sends gzip JSON as a form, PostHog's
 * browser SDK gzip without saying so, Mixpanel base64 in a form or, by GET, in the query (`query`).
 */
export function decodeBody(body: Uint8Array, query: string | undefined, maxBytes = MAX_BODY_BYTES): unknown {
  const plain = plainBody(body, maxBytes)
  const text = plain.length === 0 ? dataText(query ?? '') : textOfBody(plain)
  return parseJson(text)
}

/** The body inflated, if it is gzip. */
export function plainBody(body: Uint8Array, maxBytes = MAX_BODY_BYTES): Uint8Array {
  if (body.length > maxBytes) throw tooLarge(maxBytes)
  return body[0] === 0x1f && body[1] === 0x8b ? inflate(body, maxBytes) : body
}

function inflate(body: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    throw new DecodeError(`the body is damaged gzip: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const tooLarge = (maxBytes: number) =>
  new DecodeError(`a body may take ${maxBytes} bytes, inflated: send less at once`, 'too-large')

function textOfBody(plain: Uint8Array): string {
  const text = utf8(plain)
  return /^\s*data=/.test(text) ? dataText(text) : text
}

/** UTF-8, with or without a byte order mark. */
export function utf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) {
    throw new DecodeError(`line ${firstForeignLine(bytes)} of the body is not UTF-8: save or send it as UTF-8`)
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}

/** A byte of 10 is an end of line wherever it stands in UTF-8. */
function firstForeignLine(bytes: Uint8Array): number {
  let line = 1
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(10, from) + 1 || bytes.length
    if (!isUtf8(bytes.subarray(from, end))) break
    from = end
  }
  return line
}

/** The form field `data`: JSON, or JSON in base64, whose "+" a form turns into a space. */
function dataText(form: string): string {
  const data = new URLSearchParams(form.trim()).get('data')
  if (data === null || data === '') throw new DecodeError('the body is empty: JSON is expected')
  return /^\s*[[{]/.test(data) ? data : utf8(Buffer.from(data.replaceAll(' ', '+'), 'base64'))
}

/** What V8 says but for the piece of the body it quotes, which is kept on record and may name somebody. */
function whereOf(message: string): string {
  const where = message.replace(/(?:, )?(?:\.\.\.)?".*" ?(?:\.\.\. )?is not valid JSON$/s, '')
  return where === '' ? '' : `: ${where}`
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new DecodeError(`the body is not JSON${error instanceof Error ? whereOf(error.message) : ''}`)
  }
}

/**
 * The data of a binary CloudEvent, by its content type: JSON, or text, or else base64 text; nothing for an empty body.
 * Source: CloudEvents 1.0.2, HTTP protocol binding, section 3.1.2.
 */
export function binaryData(body: Uint8Array, contentType = 'application/json'): Readonly<Record<string, unknown>> {
  const bytes = plainBody(body)
  if (bytes.length === 0) return {}
  const [type = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase())
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length)
  if (/[/+]json$/.test(type)) return { data: parseJson(decodeText(bytes, charset)) }
  if (type.startsWith('text/')) return { data: decodeText(bytes, charset) }
  return { data_base64: Buffer.from(bytes).toString('base64'), datacontenttype: type }
}

function decodeText(bytes: Uint8Array, charset = 'utf-8'): string {
  try {
    return new TextDecoder(charset.replaceAll('"', ''), { fatal: true }).decode(bytes)
  } catch (error) {
    throw new DecodeError(`the body is not ${charset}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
