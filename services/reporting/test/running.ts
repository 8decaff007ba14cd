import { type EventType, type EventValue, encodeEvent } from '@plimsoll/contracts/events.ts'
import { laneOf } from '@plimsoll/contracts/lane.ts'
import { subjectOf } from '@plimsoll/contracts/subjects.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { AnyService } from '@plimsoll/kit/service.ts'
import { startOn } from '@plimsoll/kit/testing/running.ts'
import { reporting } from '../service.ts'

export type Servers = { readonly natsUrl: string; readonly databaseUrl: string }

/** A fact as the service that decided it would publish it: `key` is its lane key, `time` its event time in ms. */
export type Published<T extends EventType = EventType> = {
  readonly [K in T]: {
    readonly type: K
    readonly key: string
    readonly value: EventValue<K>
    readonly id: string
    readonly time: number
  }
}[T]

export type Publisher = {
  publish(fact: Published): Promise<void>
  /** The same headers and subject around any bytes. */
  publishBytes(fact: Published, data: Uint8Array): Promise<void>
  /** Sequence of the last fact published here, by lane. */
  readonly lastSeqs: ReadonlyMap<number, number>
  close(): Promise<void>
}

export async function createPublisher({ natsUrl }: Pick<Servers, 'natsUrl'>): Promise<Publisher> {
  const log = await connectJetStream({ url: natsUrl })
  const lastSeqs = new Map<number, number>()
  const publishBytes: Publisher['publishBytes'] = async ({ type, key, id, time }, data) => {
    const lane = laneOf(key, log.lanes)
    const headers = {
      'Plimsoll-Type': type,
      'Plimsoll-Source': 'performance',
      'Plimsoll-Time': new Date(time).toISOString(),
    }
    const { seq } = await log.publish({ subject: subjectOf(type, lane), data, id, headers })
    lastSeqs.set(lane, seq)
  }
  return {
    lastSeqs,
    publishBytes,
    publish: (fact) => publishBytes(fact, encodeEvent(fact.type, fact.value)),
    close: () => log.close(),
  }
}

/** The service, alone or with others, on a free port; `env` adds to or replaces settings. */
export const startReporting = (
  servers: Servers,
  services: readonly AnyService[] = [reporting],
  env: Readonly<Record<string, string>> = {},
) => startOn(servers, services, env)

/** Reads `url` until `accept` is content with the answer. */
export async function eventually<T>(url: string, accept: (body: T) => boolean, withinMs = 10_000): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const response = await fetch(url)
    const body = (await response.json()) as T
    if (response.ok && accept(body)) return body
    if (Date.now() > deadline) throw new Error(`${url} still answers ${JSON.stringify(body).slice(0, 2_000)}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
