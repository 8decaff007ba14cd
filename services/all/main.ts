import { fileURLToPath } from 'node:url'
import { describeConfig, kitConfig } from '@plimsoll/kit/config.ts'
import type { Embedded } from '@plimsoll/kit/embedded/servers.ts'
import { AppError, describeError } from '@plimsoll/kit/errors.ts'
import { exitOnCrash, startServices } from '@plimsoll/kit/run.ts'
import { stopOnSignals } from '@plimsoll/kit/signals.ts'
import { startServers, urlsOf } from './embedded.ts'
import { runKeys } from './keys.ts'
import { type Command, help, readCommand, type StartOptions } from './options.ts'
import { choosePort } from './port.ts'
import { services } from './services.ts'
import { welcome } from './welcome.ts'

const home = process.env.PLIMSOLL_HOME ?? fileURLToPath(new URL('../../.plimsoll', import.meta.url))
const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

/** Everything in one process, with embedded servers for those that no URL names: `npm start`. */
async function start(options: StartOptions): Promise<void> {
  const startedAt = performance.now()
  let embedded: Embedded | undefined
  let stopServices = async () => {}
  let stopping = false

  async function stopAndExit(code: number): Promise<never> {
    stopping = true
    await stopServices()
    await embedded?.stop()
    process.exit(code)
  }
  // A signal during the start takes effect at its next step, when there is something whole to stop.
  const starting = Promise.withResolvers<void>()
  stopOnSignals(async () => {
    say('\nStopping ...')
    stopping = true
    await starting.promise
    await stopAndExit(0)
  })

  exitOnCrash(() => stopAndExit(1))

  try {
    const port = await choosePort(options.port, process.env)
    embedded = await startServers(options, home, say)
    if (stopping) return
    for (const { origin, server } of embedded.servers) {
      void server.exited.then(({ code, signal }) => {
        if (stopping) return
        say(`${origin} ended by itself (${signal ?? `exit code ${code}`}). Its log: ${server.logFile}`)
        void stopAndExit(1)
      })
    }
    // A person watches this terminal: what went well need not be told.
    const env = { LOG_LEVEL: 'warn', ...process.env, ...urlsOf(embedded), PORT: String(port) }
    const running = await startServices(services, env)
    stopServices = running.stop
    if (!stopping)
      say(welcome({ url: running.url, seconds: (performance.now() - startedAt) / 1000, nats: embedded.nats?.url }))
  } catch (error) {
    if (stopping) return
    say(messageOf(error))
    await stopAndExit(1)
  } finally {
    starting.resolve()
  }
}

/** What we tell people keeps its lines and ends with the cause; what others throw is told on one line. */
function messageOf(error: unknown): string {
  if (!(error instanceof AppError)) return describeError(error)
  return error.cause === undefined ? error.message : `${error.message}\n  (${describeError(error.cause)})`
}

async function main(command: Command): Promise<void> {
  switch (command.kind) {
    case 'help':
      return say(help)
    case 'validate': {
      const schemas = [kitConfig, ...services.map(({ config }) => config)]
      // What is embedded needs no URL: it is shown as such.
      return say(describeConfig(schemas, { NATS_URL: 'embedded', DATABASE_URL: 'embedded', ...process.env }))
    }
    case 'keys':
      return await runKeys(command, home, say)
    case 'start':
      return await start(command.options)
  }
}

try {
  await main(readCommand(process.argv.slice(2), home))
} catch (error) {
  say(messageOf(error))
  process.exitCode = 1
}
