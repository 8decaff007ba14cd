import { parseArgs } from 'node:util'
import { services } from '@plimsoll/all/services.ts'
import { createMemoryCache } from '@plimsoll/kit/cache/memory.ts'
import { systemClock } from '@plimsoll/kit/clock.ts'
import { readConfig } from '@plimsoll/kit/config.ts'
import { openDatabase, type ServiceDatabase } from '@plimsoll/kit/db/pool.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { type DeadLetter, listDeadLetters, readDeadLetter, replayDeadLetter } from '@plimsoll/kit/lanes/replay.ts'
import { connectJetStream } from '@plimsoll/kit/log/jetstream.ts'
import type { AnyService } from '@plimsoll/kit/service.ts'
import { createLogger } from '@plimsoll/kit/telemetry/logger.ts'
import { createMetrics } from '@plimsoll/kit/telemetry/prometheus.ts'
import { runCommand } from '../command.ts'
import { serverOptions, serverUrls, serverUsage } from '../servers.ts'

const USAGE = `npm run deadletter -- <command> <service> [ids] [options]

  list <service>              refused messages, oldest first
  show <service> <id>         one of them, with its headers and bytes
  replay <service> <id>...    runs them through their processor again, from the bytes as they were stored
  replay <service> --all      all that were not replayed yet

${serverUsage}`

type Arguments = {
  readonly command: string
  readonly service: AnyService
  readonly ids: readonly number[]
  readonly all: boolean
  readonly databaseUrl: string
  readonly natsUrl: string
}

async function readArguments(argv: readonly string[]): Promise<Arguments> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      ...serverOptions,
    },
  })
  const [command = '', name, ...ids] = positionals
  const service = services.find((one) => one.name === name)
  if (!['list', 'show', 'replay'].includes(command)) throw appError('bad-request', 'Say list, show or replay.')
  if (!service) {
    throw appError('bad-request', `Say which service: ${services.map((one) => one.name).join(', ')}.`)
  }
  if (ids.some((id) => !/^\d+$/.test(id))) throw appError('bad-request', 'An id is a number, as list shows it.')
  if (command !== 'list' && ids.length === 0 && !values.all) throw appError('bad-request', 'Say which id.')
  // Only a replay publishes.
  const urls =
    command === 'replay'
      ? await serverUrls(values, ['database', 'nats'])
      : { nats: '', ...(await serverUrls(values, ['database'])) }
  return { command, service, ids: ids.map(Number), all: values.all, databaseUrl: urls.database, natsUrl: urls.nats }
}

function describeLetter({
  id,
  processor,
  version,
  lane,
  stream,
  seq,
  type,
  bytes,
  refusedAt,
  reason,
}: DeadLetter): string {
  return `${id}  ${refusedAt.toISOString()}  ${stream} ${seq}  ${processor} v${version} lane ${lane}  ${type} (${bytes} B)  ${reason}`
}

async function show(database: ServiceDatabase<unknown>, id: number): Promise<void> {
  const message = await readDeadLetter(database.worker, id)
  if (!message) throw appError('not-found', `There is no dead letter ${id}; list them first.`)
  const { data, ...rest } = message
  console.log(JSON.stringify({ ...rest, data: Buffer.from(data).toString('base64') }, undefined, 2))
}

/** The processors as the running service has them, from the same environment. */
async function replay(database: ServiceDatabase<unknown>, { service, ids, all, natsUrl }: Arguments): Promise<boolean> {
  const [config] = readConfig([service.config], process.env)
  const logger = createLogger({ level: 'warn', format: 'pretty' })
  const log = await connectJetStream({ url: natsUrl, clientName: 'plimsoll-deadletter', logger })
  try {
    const metrics = createMetrics({ processMetrics: false })
    const cache = createMemoryCache(systemClock)
    const context = {
      config,
      db: database.worker,
      reader: database.reader,
      log,
      clock: systemClock,
      logger,
      metrics,
      cache,
    }
    const processors = service.processors?.(context as never) ?? []
    const options = { service: service.name, db: database.worker, log, processors, now: systemClock.now }
    const chosen = all ? (await listDeadLetters(database.worker)).map(({ id }) => id) : ids
    let handled = 0
    for (const id of chosen) {
      const result = await replayDeadLetter(options, id)
      if (result.kind === 'handled') handled++
      console.log(`${id}: ${result.kind}${result.kind === 'handled' ? '' : `: ${result.reason}`}`)
    }
    return handled === chosen.length
  } finally {
    await log.close()
  }
}

async function run(options: Arguments): Promise<void> {
  const { command, service, ids, databaseUrl } = options
  const database = openDatabase<unknown>({
    url: databaseUrl,
    service: service.name,
    workerConnections: 2,
    readerConnections: 1,
  })
  try {
    if (command === 'list')
      for (const letter of await listDeadLetters(database.worker)) console.log(describeLetter(letter))
    else if (command === 'show') for (const id of ids) await show(database, id)
    else if (!(await replay(database, options))) process.exitCode = 1
  } finally {
    await database.close()
  }
}

await runCommand(USAGE, async () => run(await readArguments(process.argv.slice(2))))
