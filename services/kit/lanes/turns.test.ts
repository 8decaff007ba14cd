import { expect, test } from 'vitest'
import { createTurns } from './turns.ts'

/** Work that runs until it is told to end, and tells of its beginning in `begun`. */
function openEnded(begun: number[], name: number) {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const work = () => {
    begun.push(name)
    return promise
  }
  return { work, end: () => resolve(name), fail: () => reject(new Error(`${name} failed`)) }
}

test('no more than so many run at a time, and the others follow in order', async () => {
  const begun: number[] = []
  const turn = createTurns(2)
  const works = [0, 1, 2, 3].map((name) => openEnded(begun, name))
  const results = works.map(({ work }) => turn(work))
  expect(begun).toEqual([0, 1])
  works[1]?.end()
  expect(await results[1]).toBe(1)
  expect(begun).toEqual([0, 1, 2])
  for (const { end } of works) end()
  expect(await Promise.all(results)).toEqual([0, 1, 2, 3])
  expect(begun).toEqual([0, 1, 2, 3])
})

test('work that fails gives its turn on', async () => {
  const begun: number[] = []
  const turn = createTurns(1)
  const [failing, next] = [openEnded(begun, 0), openEnded(begun, 1)]
  const failed = turn(failing.work)
  const followed = turn(next.work)
  failing.fail()
  await expect(failed).rejects.toThrow('0 failed')
  next.end()
  expect(await followed).toBe(1)
})
