import type { Writable } from 'node:stream'
import pg from 'pg'

/**
 * The body of a `COPY ... FROM STDIN`. Given as a statement's first parameter, it travels through Kysely like any other
 * query, so a copy takes part in the transaction around it.
 */
export class CopyData {
  readonly chunks: readonly Uint8Array[]
  constructor(chunks: readonly Uint8Array[]) {
    this.chunks = chunks
  }
}

/** The parts of pg's connection that a copy needs; its types leave them out. */
type CopyConnection = {
  readonly stream: Writable
  query(text: string): void
  endCopyFrom(): void
}

type CopyResult = { command: string; rowCount: number; rows: never[] }

/** pg's `Client`, which also takes a `CopyData` as the parameter of a COPY statement. */
export class CopyClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: pg overloads `query` sixfold; what is not a copy passes through untouched
  override query(...args: any[]): any {
    const [text, parameters] = args
    const data: unknown = Array.isArray(parameters) ? parameters[0] : undefined
    if (typeof text !== 'string' || !(data instanceof CopyData)) return super.query(...(args as [string]))
    return new Promise<CopyResult>((resolve, reject) => {
      super.query(new CopyStatement(text, data, (error, result) => (error ? reject(error) : resolve(result))) as never)
    })
  }
}

/** Heads a CopyData message. Written apart from its chunk, which pg's own `sendCopyFromChunk` would copy. */
function copyDataHeader(bytes: number): Buffer {
  const header = Buffer.from('d\0\0\0\0')
  header.writeInt32BE(4 + bytes, 1)
  return header
}

/** A query in pg's own sense: pg calls `submit`, then one `handle*` method per answer of the server. */
class CopyStatement {
  readonly text: string
  readonly data: CopyData
  readonly done: (error: Error | undefined, result: CopyResult) => void
  // pg reads and sets these on every query.
  callback: ((error: Error | undefined) => void) | undefined
  result: CopyResult = { command: 'COPY', rowCount: 0, rows: [] }
  failure: Error | undefined

  constructor(text: string, data: CopyData, done: (error: Error | undefined, result: CopyResult) => void) {
    this.text = text
    this.data = data
    this.done = done
  }

  submit(connection: CopyConnection): void {
    connection.query(this.text)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    const { stream } = connection
    stream.cork()
    for (const chunk of this.data.chunks) {
      stream.write(copyDataHeader(chunk.length))
      stream.write(chunk)
    }
    connection.endCopyFrom()
    stream.uncork()
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.result.rowCount = Number(/^COPY (\d+)/.exec(message.text)?.[1] ?? 0)
  }

  handleError(error: Error): void {
    this.failure = error
    this.callback?.(error)
    this.done(error, this.result)
  }

  handleReadyForQuery(): void {
    if (this.failure === undefined) this.done(undefined, this.result)
  }
}
