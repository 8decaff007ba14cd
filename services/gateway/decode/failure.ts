/** Why a body cannot be read. `too-large` becomes 413, the others 400: none of them gets better by sending it again. */
export type DecodeFailure = 'malformed' | 'too-large'

/** Thrown by every decoder of this folder; the message says what is wrong and at which byte. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly failure: DecodeFailure

  constructor(message: string, failure: DecodeFailure = 'malformed') {
    super(message)
    this.failure = failure
  }
}
