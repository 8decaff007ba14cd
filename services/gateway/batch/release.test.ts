import { expect, it } from 'vitest'
import { release } from './release.ts'

it('gives back a buffer of its own, not one that shares its memory', () => {
  const own = Buffer.concat([Buffer.alloc(100_000, 7)])
  const shared = new Uint8Array(own.length + 1).subarray(1)
  release(own)
  release(shared)
  expect(own.length).toBe(0)
  expect(shared.length).toBe(100_000)
})
