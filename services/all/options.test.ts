import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { readCommand } from './options.ts'
import { choosePort } from './port.ts'

const home = '/home/ada/plimsoll/.plimsoll'

test('nothing said means a start with the data beside the program', () => {
  const options = { port: undefined, dataDir: `${home}/data`, reset: false, redis: false }
  expect(readCommand([], home)).toEqual({ kind: 'start', options })
})

test('options are read', () => {
  const command = readCommand(['--port', '9000', '--data-dir=/var/plimsoll', '--reset', '--redis'], home)
  expect(command).toMatchObject({ options: { port: 9000, dataDir: '/var/plimsoll', reset: true, redis: true } })
})

test.each([
  [['--prot', '9000'], /Unknown option '--prot'.*--help/],
  [['--port', 'http'], /--port must be a whole number from 1 to 65535, not "http"/],
  [['--port', '0'], /--port must be/],
  [['run'], /"run" is not a command/],
])('%s is refused with what to write', (argv, message) => {
  expect(() => readCommand(argv, home)).toThrow(message)
})

test('help and validation go before everything else', () => {
  expect(readCommand(['--help', '--port', 'x'], home)).toEqual({ kind: 'help' })
  expect(readCommand(['--validate'], home)).toEqual({ kind: 'validate' })
})

test('keys are made with scopes and an end', () => {
  const command = readCommand(
    ['keys', 'create', 'prometheus', '--scopes', 'gateway:write, x', '--expires-days', '90'],
    home,
  )
  expect(command).toMatchObject({
    kind: 'keys',
    words: ['create', 'prometheus'],
    scopes: ['gateway:write', 'x'],
    expiresDays: 90,
  })
})

const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})
const take = (port: number) =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    servers.push(server)
  })

test('a port that was asked for and is taken is refused, by option and by PORT', async () => {
  const port = await take(0)
  await expect(choosePort(port, {})).rejects.toThrow(`Port ${port} is taken`)
  await expect(choosePort(undefined, { PORT: String(port) })).rejects.toThrow(`Port ${port} is taken`)
})

test('the default gives way to the next free one', async () => {
  const first = await choosePort(undefined, {})
  await take(first)
  expect(await choosePort(undefined, {})).toBeGreaterThan(first)
})
