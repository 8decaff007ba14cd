/** What the log needs of a broker connection: `jetstream.ts` makes one from the client library, tests make a fake. */
export type Wire = {
  publish(subject: string, data: Uint8Array, options: WirePublish): void
  /** Calls `onMessage` in order of arrival; the returned function unsubscribes. */
  subscribe(subject: string, onMessage: (message: WireMessage) => void): () => void
  /** A JetStream API request; the JSON answer. Rejects with an `AppError` for an error answer, silence or no broker. */
  request(subject: string, body?: object): Promise<unknown>
  /** A subject prefix nobody else listens on. */
  inbox(): string
  connected(): boolean
  /** Called when the connection is lost, before the client reconnects. */
  onDisconnect(listener: () => void): () => void
  /** Largest message the server takes, headers included. */
  readonly maxPayloadBytes: number
  /** Names of the readers open on this connection: they share what the server is willing to have pending for it. */
  readonly openReaders: Set<string>
}

export type WirePublish = { readonly reply?: string; readonly headers?: Readonly<Record<string, string>> }

export type WireMessage = {
  readonly subject: string
  readonly reply: string
  readonly data: Uint8Array
  /** Status of a message that is the server's own answer (404, 408, 409, 503), 0 for a stored message. */
  readonly status: number
  /** The server's words for `status`. */
  readonly description: string
  readonly headers: Readonly<Record<string, string>>
}
