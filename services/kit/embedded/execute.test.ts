import { expect, test } from 'vitest'
import { execute } from './execute.ts'

test('a program that fails is told with what it complained of, not with what it said before', async () => {
  const program =
    'for (let i = 0; i < 10; i++) console.log("ok"); console.error("No space left on device"); process.exit(1)'
  await expect(execute(process.execPath, ['-e', program])).rejects.toThrow(
    /failed \(exit code 1\): No space left on device$/,
  )
})

test('one that complains of nothing is told with the end of what it said', async () => {
  const program = 'console.log("one"); console.log("two"); process.exit(3)'
  await expect(execute(process.execPath, ['-e', program])).rejects.toThrow(/failed \(exit code 3\): one \/ two$/)
})
