import { randomBytes } from 'node:crypto'
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'
import { freePort } from '../embedded/ports.ts'
import type { RestartKind, TestServer } from './servers.ts'

/** The images tests and `docker-compose.yml` use; TEST_<NAME>_IMAGE names another. */
const images = { nats: 'nats:2.14.6', postgres: 'postgres:18', redis: 'redis:7' } as const

const imageOf = (name: keyof typeof images): string => process.env[`TEST_${name.toUpperCase()}_IMAGE`] ?? images[name]

export function natsContainer(): Promise<TestServer> {
  // The store is on the container's own layer: gone with it, kept through a restart.
  const configuration = ['listen: 0.0.0.0:4222', 'jetstream { store_dir: /tmp/store, sync_interval: always }', '']
  const build = (port: number) =>
    new GenericContainer(imageOf('nats'))
      .withExposedPorts({ container: 4222, host: port })
      .withCopyContentToContainer([{ content: configuration.join('\n'), target: '/tmp/nats.conf' }])
      .withCommand(['--config', '/tmp/nats.conf'])
      .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
  return containerServer(build, (host, port) => `nats://${host}:${port}`)
}

export function postgresContainer(): Promise<TestServer> {
  const password = randomBytes(12).toString('hex')
  const build = (port: number) =>
    new GenericContainer(imageOf('postgres'))
      .withExposedPorts({ container: 5432, host: port })
      .withEnvironment({ POSTGRES_USER: 'plimsoll', POSTGRES_PASSWORD: password, POSTGRES_DB: 'plimsoll' })
      .withCommand(['postgres', '-c', 'fsync=off', '-c', 'max_connections=200'])
      // Once for its own set-up, once for us.
      .withWaitStrategy(Wait.forLogMessage(/ready to accept connections/, 2))
  return containerServer(build, (host, port) => `postgres://plimsoll:${password}@${host}:${port}/plimsoll`)
}

export function redisContainer(): Promise<TestServer> {
  const build = (port: number) =>
    new GenericContainer(imageOf('redis'))
      .withExposedPorts({ container: 6379, host: port })
      .withCommand(['redis-server', '--save', '', '--appendonly', 'no'])
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
  return containerServer(build, (host, port) => `redis://${host}:${port}`)
}

async function containerServer(
  build: (port: number) => GenericContainer,
  urlOf: (host: string, port: number) => string,
): Promise<TestServer> {
  const port = await freePort()
  let container: StartedTestContainer = await build(port).start()
  const down = async () => void (await container.stop({ timeout: 0, remove: false }))
  return {
    url: urlOf(container.getHost(), port),
    async restart(kind: RestartKind) {
      if (kind === 'wipe') {
        await container.stop({ timeout: 0 })
        container = await build(port).start()
      } else {
        await container.restart({ timeout: kind === 'kill' ? 0 : 10_000 })
      }
    },
    down,
    stop: async () => void (await container.stop()),
  }
}
