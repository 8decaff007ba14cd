import { metricBatchView } from '@plimsoll/contracts/metric-batch.ts'
import { spanBatchView } from '@plimsoll/contracts/span-batch.ts'
import { expect, it } from 'vitest'
import { allMessages, testGateway } from './harness.ts'
import { hostileRequest, randomFrom } from './hostile.ts'

/** The short form; `node tools/bench/ingest/fuzz.ts --count 1000000` is the whole one. */
it('answers hostile bodies with 2xx or 4xx, and publishes nothing that a consumer could not read', async () => {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const random = randomFrom(seed)
  const gateway = await testGateway({ limits: { maxSeriesPerSource: 5_000 } })
  const statuses = new Map<number, number>()
  for (let i = 0; i < 5_000; i++) {
    const { url, headers, body } = hostileRequest(random)
    const response = await gateway.app.inject({ method: 'POST', url, headers, payload: Buffer.from(body) })
    statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1)
    expect(response.statusCode, `seed ${seed}, request ${i}: ${response.body}`).toBeLessThan(500)
  }
  // Both ways: a fuzzer whose every body is refused tests nothing behind the first check.
  expect(statuses.get(400)).toBeGreaterThan(500)
  expect((statuses.get(200) ?? 0) + (statuses.get(204) ?? 0)).toBeGreaterThan(200)
  for (const data of await allMessages(gateway.log, 'plimsoll.telemetry.v1.MetricBatch')) metricBatchView(data)
  for (const data of await allMessages(gateway.log, 'plimsoll.telemetry.v1.SpanBatch')) spanBatchView(data)
  await gateway.close()
}, 60_000)
