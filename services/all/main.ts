import { fileURLToPath } from 'node:url'
import { type Embedded, embeddedLaneCount } from '@plimsoll/kit/embedded/servers.ts'
import { spaceProblem } from '@plimsoll/kit/embedded/space.ts'
import { AppError, describeError } from '@plimsoll/kit/errors.ts'
import { exitOnCrash, stopOnSignals } from '@plimsoll/kit/signals.ts'
import { startServers, urlsOf } from './embedded.ts'
import { type Command, help, readCommand, type StartOptions } from './options.ts'
import { choosePort } from './port.ts'
import { welcome } from './welcome.ts'

const home = process.env.PLIMSOLL_HOME ?? fileURLToPath(new URL('../../.plimsoll', import.meta.url))
const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const defaults = {
  // A person watches this terminal: what went well need not be told.
  LOG_LEVEL: 'warn',
  LANES: String(embeddedLaneCount),
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
    // The services load while the servers start: neither waits for the other.
    const loading = Promise.all([import('@plimsoll/kit/run.ts'), import('./services.ts')])
    embedded = await startServers(options, home, say)
    const [{ startServices }, { services }] = await loading
    if (stopping) return
    for (const { origin, server } of embedded.servers) {
      void server.exited.then(({ code, signal }) => {
        if (stopping) return
        say(`${origin} ended by itself (${signal ?? `exit code ${code}`}). Its log: ${server.logFile}`)
        void stopAndExit(1)
      })
    }
    const env = { ...defaults, ...process.env, ...urlsOf(embedded), PORT: String(port) }
    const checks = embedded.servers.length === 0 ? {} : { disk: () => spaceProblem(options.dataDir) }
    const running = await startServices(services, env, checks)
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

async function validate(): Promise<string> {
  const [{ describeConfig, kitConfig }, { services }] = await Promise.all([
    import('@plimsoll/kit/config.ts'),
    import('./services.ts'),
  ])
  // What is embedded needs no URL: it is shown as such.
  const env = { ...defaults, NATS_URL: 'nats://embedded', DATABASE_URL: 'postgres://embedded', ...process.env }
  return describeConfig([kitConfig, ...services.map(({ config }) => config)], env)
}

async function main(command: Command): Promise<void> {
  switch (command.kind) {
    case 'help':
      return say(help)
    case 'validate':
      return say(await validate())
    case 'keys':
      return await (await import('./keys.ts')).runKeys(command, home, say)
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
