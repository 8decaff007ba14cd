import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { spaceProblem } from './space.ts'

test('a folder with space has no problem', async () => {
  expect(await spaceProblem(tmpdir(), 1)).toBeUndefined()
})

test('one without is named, with what is left and what is needed', async () => {
  const problem = await spaceProblem(tmpdir(), 2 ** 60)
  expect(problem).toMatch(/^the disk of \S+ has \d+ MiB left, of 1099511627776 that are needed/)
})

test('a folder that is gone is a problem too', async () => {
  expect(await spaceProblem('/nowhere/at/all', 1)).toContain('ENOENT')
})
