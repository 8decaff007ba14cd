import { parseArgs } from 'node:util'
import { testGateway } from '@plimsoll/gateway/test/harness.ts'
import { hostileRequest, randomFrom } from '@plimsoll/gateway/test/hostile.ts'
import { systemClock } from '@plimsoll/kit/clock.ts'
import type { EventLog } from '@plimsoll/kit/log/log.ts'
import { createMemoryLog } from '@plimsoll/kit/log/memory.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const count = Number(values.count)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))

/** A log that acknowledges and forgets: what is measured is the gateway's memory, not the log's. */
let seq = 0
const inner = createMemoryLog(systemClock)
const log: EventLog = { ...inner, publish: async () => ({ stream: 'METRIC', seq: ++seq, duplicate: false }) }

const gateway = await testGateway({ log, limits: { maxSeriesPerSource: 20_000, lingerMs: 0 } })
const random = randomFrom(seed)
const statuses: Record<number, number> = {}
let highestRssMb = 0
let rssAfterTenthMb = 0
for (let i = 0; i < count; i++) {
  const { url, headers, body } = hostileRequest(random)
  const response = await gateway.app.inject({ method: 'POST', url, headers, payload: Buffer.from(body) })
  statuses[response.statusCode] = (statuses[response.statusCode] ?? 0) + 1
  if (response.statusCode >= 500) {
    process.stderr.write(`seed ${seed}, request ${i}: ${response.statusCode} ${response.body}\n`)
    process.exit(1)
  }
  if (i % 1_000 === 0) {
    const rssMb = process.memoryUsage.rss() / 2 ** 20
    highestRssMb = Math.max(highestRssMb, rssMb)
    if (i <= count / 10) rssAfterTenthMb = Math.max(rssAfterTenthMb, rssMb)
  }
}
await gateway.close()
const result = {
  count,
  seed,
  statuses,
  rssAfterTenthMb: Math.round(rssAfterTenthMb),
  highestRssMb: Math.round(highestRssMb),
}
process.stdout.write(
  values.json
    ? `${JSON.stringify(result)}\n`
    : `${count} hostile bodies (seed ${seed}): answers ${JSON.stringify(statuses)}, none 5xx; ` +
        `memory ${result.rssAfterTenthMb} MB after a tenth, ${result.highestRssMb} MB at most\n`,
)
