import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createLifecycle } from './lifecycle.ts'

const logger = pino({ level: 'silent' })

test('what was started last is stopped first, each once', async () => {
  const lifecycle = createLifecycle(logger, 1_000)
  const stopped: string[] = []
  for (const name of ['pools', 'log', 'http', 'lanes']) lifecycle.onStop(name, () => void stopped.push(name))
  await Promise.all([lifecycle.stop(), lifecycle.stop()])
  expect(stopped).toEqual(['lanes', 'http', 'log', 'pools'])
})

test('a step that fails or hangs does not keep the others from stopping', async () => {
  const lifecycle = createLifecycle(logger, 100)
  let poolsStopped = false
  lifecycle.onStop('pools', () => {
    poolsStopped = true
  })
  lifecycle.onStop('hangs', () => new Promise<void>(() => {}))
  lifecycle.onStop('fails', () => Promise.reject(new Error('no')))
  await lifecycle.stop()
  expect(poolsStopped).toBe(true)
})

test('ready is what every check agrees to, after the start and before the drain', async () => {
  const lifecycle = createLifecycle(logger, 1_000)
  let problem: string | undefined = 'the broker is not connected'
  lifecycle.addCheck('log', () => problem)
  lifecycle.addCheck('database', async () => undefined)
  expect(await lifecycle.notReady()).toEqual({ process: 'starting' })
  lifecycle.started()
  expect(await lifecycle.notReady()).toEqual({ log: 'the broker is not connected' })
  problem = undefined
  expect(await lifecycle.notReady()).toEqual({})
  const stopping = lifecycle.stop()
  expect(await lifecycle.notReady()).toEqual({ process: 'draining' })
  await stopping
})
