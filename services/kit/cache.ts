/** A response cache: Redis when REDIS_URL is set, else in this process. Never a source of truth. */
export type Cache = {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs: number): Promise<void>
  delete(key: string): Promise<void>
  /** Fixed-window counter: calls so far under `key`, for rate limits. */
  increment(key: string, windowMs: number): Promise<number>
  publish(channel: string, message: string): Promise<void>
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}
