import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { laneOf, laneToken } from '@plimsoll/contracts/lane.ts'
import { laneCountKey, streamDefinitions } from '@plimsoll/contracts/streams.ts'
import { connectJetStream, connectWire } from '@plimsoll/kit/log/jetstream.ts'
import { openStreamAdmin, type StreamAdmin } from '@plimsoll/kit/log/streams.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'

let stack: Stack
let admin: StreamAdmin

beforeAll(async () => {
  stack = await startStack({ postgres: false })
  admin = await openStreamAdmin({ url: stack.natsUrl })
})
afterAll(async () => {
  await admin?.close()
  await stack?.stop()
})

/** Runs the tool as a person does. */
function streams(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const tool = fileURLToPath(new URL('main.ts', import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, [tool, ...args, '--nats', stack.natsUrl], (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
    })
  })
}

const metric = async () => (await admin.list()).find(({ name }) => name === 'METRIC')

test('makes what is missing, changes nothing the second time, and shrinks only when told', async () => {
  expect(await streams('diff')).toMatchObject({
    code: 1,
    out: expect.stringContaining('+ DERIVED: derived.>, kept 400 d, R1'),
  })
  expect(await streams('apply')).toMatchObject({ code: 0, out: expect.stringContaining('streams: 6 made, 0 changed') })
  expect(await streams('apply')).toMatchObject({ code: 0, out: 'streams: nothing to do\n' })
  expect(await metric()).toMatchObject({ compression: 's2', denyDelete: true, allowDirect: true, replicas: 1 })

  const wanted = streamDefinitions.METRIC
  await admin.update({ ...wanted, maxAgeMs: 10 * wanted.maxAgeMs }, 1)
  expect(await streams('apply')).toMatchObject({ code: 1, err: expect.stringContaining('say --allow-shrink') })
  expect((await metric())?.maxAgeMs).toBe(10 * wanted.maxAgeMs)
  expect(await streams('apply', '--allow-shrink')).toMatchObject({
    code: 0,
    out: expect.stringContaining('max age 30 d -> 3 d'),
  })
  expect((await metric())?.maxAgeMs).toBe(wanted.maxAgeMs)
})

test('refuses another lane count whatever is allowed', async () => {
  await streams('apply')
  await admin.update({ ...streamDefinitions.USAGE, metadata: { [laneCountKey]: '8' } }, 1)
  expect(await streams('apply', '--allow-shrink')).toMatchObject({
    code: 1,
    err: expect.stringContaining('USAGE: lanes cannot go from 8 to 16'),
  })
  await admin.update(streamDefinitions.USAGE, 1)
})

test('a lane is what the broker makes of the same key', async () => {
  const keys = Array.from({ length: 500 }, (_, i) => `svc-${i}-${['eu', 'zażółć', '東京', 'a%2Fb'][i % 4]}`)
  const api = await connectWire({ url: stack.natsUrl })
  const log = await connectJetStream({ url: stack.natsUrl })
  try {
    await api.request('$JS.API.STREAM.CREATE.FOREIGN', {
      name: 'FOREIGN',
      subjects: ['foreign.*'],
      storage: 'memory',
      subject_transform: { src: 'foreign.*', dest: 'lane.{{partition(16,1)}}.{{wildcard(1)}}' },
    })
    await Promise.all(keys.map((key) => log.publish({ subject: `foreign.${key}`, data: new Uint8Array(0) })))
    const info = await api.request('$JS.API.STREAM.INFO.FOREIGN', { subjects_filter: '>' })
    const { state } = info as { readonly state: { readonly subjects: Readonly<Record<string, number>> } }
    expect(Object.keys(state.subjects).sort()).toEqual(
      keys.map((key) => `lane.${Number(laneToken(laneOf(key, log.lanes)))}.${key}`).sort(),
    )
  } finally {
    await api.request('$JS.API.STREAM.DELETE.FOREIGN')
    await log.close()
    await api.close()
  }
})
