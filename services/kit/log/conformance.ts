import { laneFilter } from '@plimsoll/contracts/subjects.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isTransient } from '../errors.ts'
import type { EventLog, LaneReader, ReadOptions, StoredMessage } from './log.ts'

export type LogFixture = { readonly log: EventLog; close(): Promise<void> }

const stream = 'USAGE'
const subject = (lane = '05') => `usage.${lane}.Thing`
const bytes = (text: string) => new TextEncoder().encode(text)
const text = ({ data }: StoredMessage) => new TextDecoder().decode(data)

/** What every `EventLog` does. One suite, run over each adapter. */
export function describeEventLog(name: string, open: () => Promise<LogFixture>): void {
  describe(`EventLog on ${name}`, () => {
    let fixture: LogFixture
    let log: EventLog
    const readers: LaneReader[] = []

    beforeAll(async () => {
      fixture = await open()
      log = fixture.log
    })
    afterAll(async () => {
      for (const reader of readers) await reader.close()
      await fixture.close()
    })

    const nextSeq = async () => (await log.info(stream)).lastSeq + 1
    const newName = () => `conformance-${crypto.randomUUID()}`
    const publish = (body: string, lane?: string) => log.publish({ subject: subject(lane), data: bytes(body) })

    async function read(startSeq: number, options: Partial<ReadOptions> = {}): Promise<LaneReader> {
      const reader = await log.reader({ stream, filter: laneFilter(stream, 5), startSeq, name: newName(), ...options })
      readers.push(reader)
      return reader
    }

    async function readMany(reader: LaneReader, count: number): Promise<StoredMessage[]> {
      const found: StoredMessage[] = []
      while (found.length < count) {
        const batch = await reader.pull()
        if (batch.length === 0) break
        found.push(...batch)
      }
      return found
    }

    test('a message comes back as it was published', async () => {
      const before = Date.now()
      const start = await nextSeq()
      const headers = {
        'Plimsoll-Type': 'a.v1.Thing',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      }
      const ack = await log.publish({ subject: subject(), data: bytes('payload'), id: `id-${start}`, headers })
      const [message] = await (await read(start)).pull()
      expect(ack).toEqual({ stream, seq: start, duplicate: false })
      expect(message).toMatchObject({ stream, seq: start, subject: subject(), id: `id-${start}`, pending: 0 })
      expect(message?.headers).toMatchObject(headers)
      expect(message && text(message)).toBe('payload')
      expect(Math.abs((message?.time ?? 0) - before)).toBeLessThan(10_000)
    })

    test('an id published twice within the duplicate window is stored once', async () => {
      const start = await nextSeq()
      const message = { subject: subject(), data: bytes('once'), id: `twice-${start}` }
      expect(await log.publish(message)).toMatchObject({ seq: start, duplicate: false })
      expect(await log.publish(message)).toMatchObject({ seq: start, duplicate: true })
      expect(await nextSeq()).toBe(start + 1)
    })

    test('many publishes at once are all acknowledged, in the order they were made', async () => {
      const start = await nextSeq()
      const acks = await Promise.all(Array.from({ length: 3_000 }, (_, i) => publish(String(i))))
      expect(acks.map(({ seq }) => seq)).toEqual(Array.from({ length: 3_000 }, (_, i) => start + i))
      const found = await readMany(await read(start), 3_000)
      expect(found.map(text)).toEqual(Array.from({ length: 3_000 }, (_, i) => String(i)))
    })

    test('a reader is ready when there is something to pull, which it then gives', async () => {
      const reader = await read(await nextSeq(), { maxWaitMs: 50 })
      expect(await reader.ready()).toBe(false)
      await publish('ready')
      while (!(await reader.ready()));
      expect(await reader.ready()).toBe(true)
      expect((await reader.pull()).map(text)).toEqual(['ready'])
      expect(await reader.ready()).toBe(false)
    })

    test('a reader starts at the sequence it was given', async () => {
      const start = await nextSeq()
      for (const body of ['one', 'two', 'three']) await publish(body)
      const found = await readMany(await read(start + 1), 2)
      expect(found.map(({ seq }) => seq)).toEqual([start + 1, start + 2])
    })

    test('a reader sees its own lane only', async () => {
      const start = await nextSeq()
      await publish('other', '06')
      await publish('mine', '05')
      const found = await readMany(await read(start), 1)
      expect(found.map(text)).toEqual(['mine'])
    })

    test('pulls are bounded by messages and bytes, and lose nothing', async () => {
      const start = await nextSeq()
      await Promise.all(Array.from({ length: 250 }, (_, i) => publish(`${i}`.padEnd(1_000))))
      const reader = await read(start, { maxMessages: 40 })
      const sizes: number[] = []
      const found: StoredMessage[] = []
      while (found.length < 250) {
        const batch = await reader.pull()
        sizes.push(batch.length)
        found.push(...batch)
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(40)
      expect(found.map(({ seq }) => seq)).toEqual(Array.from({ length: 250 }, (_, i) => start + i))
    })

    test('each message says how many wait behind it', async () => {
      const start = await nextSeq()
      for (const body of ['one', 'two', 'three']) await publish(body)
      const found = await readMany(await read(start), 3)
      expect(found.map(({ pending }) => pending)).toEqual([2, 1, 0])
    })

    test('a pull returns as soon as there is something', async () => {
      const reader = await read(await nextSeq(), { maxWaitMs: 5_000 })
      const pulled = reader.pull()
      const publishedAt = performance.now()
      await publish('now')
      expect(await pulled).toHaveLength(1)
      expect(performance.now() - publishedAt).toBeLessThan(1_000)
    })

    test('a pull returns nothing after its longest wait', async () => {
      const reader = await read(await nextSeq(), { maxWaitMs: 50 })
      expect(await reader.pull()).toEqual([])
    })

    test('a reader knows whether it has caught up', async () => {
      const start = await nextSeq()
      await publish('one')
      const reader = await read(start)
      expect(await reader.caughtUp()).toBe(false)
      await reader.pull()
      expect(await reader.caughtUp()).toBe(true)
      await publish('not mine', '06')
      expect(await reader.caughtUp()).toBe(true)
    })

    test('memory that is given back takes nothing from other messages, nor from the log', async () => {
      const start = await nextSeq()
      const bodies = ['before', 'x'.repeat(300_000), 'after', 'y'.repeat(70_000), 'last']
      for (const body of bodies) await publish(body)
      const reader = await read(start)
      const found = await readMany(reader, bodies.length)
      reader.giveBack(found.filter(({ data }) => data.length > 10_000))
      expect(found.map(text).filter((body) => body.length < 10)).toEqual(
        expect.arrayContaining(['before', 'after', 'last']),
      )
      expect((await readMany(await read(start), bodies.length)).map(text)).toEqual(bodies)
    })

    test('two readers of one lane do not disturb each other', async () => {
      const start = await nextSeq()
      await publish('for both')
      const [one, two] = [await read(start), await read(start)]
      expect((await one.pull()).map(text)).toEqual(['for both'])
      expect((await two.pull()).map(text)).toEqual(['for both'])
    })

    test('a reader name that was used is refused', async () => {
      const start = await nextSeq()
      await publish('one')
      const name = newName()
      await (await read(start, { name })).pull()
      await expect(read(start, { name })).rejects.toThrow('never reused')
    })

    test('a message can be had by its sequence', async () => {
      const { seq } = await log.publish({
        subject: subject(),
        data: bytes('by seq'),
        headers: { 'Plimsoll-Type': 'T' },
      })
      const message = await log.get(stream, seq)
      expect(message).toMatchObject({ seq, subject: subject(), headers: { 'Plimsoll-Type': 'T' } })
      expect(message && text(message)).toBe('by seq')
      expect(await log.get(stream, seq + 1_000)).toBeUndefined()
    })

    test('a message has one time, whichever way it is read', async () => {
      const start = await nextSeq()
      for (let i = 0; i < 20; i++) await publish('tick')
      for (const { seq, time } of await readMany(await read(start), 20)) {
        expect((await log.get(stream, seq))?.time).toBe(time)
      }
    })

    test('headers can be read alone, from a time on', async () => {
      const { seq } = await publish('before')
      const { time } = (await log.get(stream, seq)) as StoredMessage
      const ids = Array.from({ length: 150 }, (_, i) => `headers-${seq}-${i}`)
      await Promise.all(ids.map((id) => log.publish({ subject: subject('07'), data: bytes('body'), id })))
      const found: StoredMessage[] = []
      for await (const message of log.readHeaders({ stream, filter: 'usage.>', sinceMs: time })) found.push(message)
      expect(found.filter(({ id }) => id.startsWith(`headers-${seq}-`)).map(({ id }) => id)).toEqual(ids)
      expect(found.every(({ data }) => data.length === 0)).toBe(true)
    })

    test('reading headers of an empty range ends at once', async () => {
      const found: StoredMessage[] = []
      for await (const message of log.readHeaders({ stream, filter: 'usage.>', sinceMs: Date.now() + 60_000 }))
        found.push(message)
      expect(found).toEqual([])
    })

    test('a subject no stream takes is refused, and may be tried again', async () => {
      const error = await log
        .publish({ subject: 'nowhere.05.Thing', data: bytes('?') })
        .catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: 'broker-refused' })
      expect(isTransient(error)).toBe(true)
    })

    test('nothing works after close', async () => {
      const { log: closing, close } = await open()
      const reader = await closing.reader({ stream, filter: laneFilter(stream, 5), startSeq: 1, name: newName() })
      await closing.close()
      await expect(closing.publish({ subject: subject(), data: bytes('late') })).rejects.toThrow()
      await expect(reader.pull()).rejects.toThrow()
      expect(closing.connected()).toBe(false)
      await close()
    })
  })
}
