import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { unpackDebian } from './debian.ts'
import { execute } from './execute.ts'

// Where there is no Debian to take packages from, this way is refused with the reason.
const isDebian = existsSync('/usr/share/keyrings/debian-archive-keyring.gpg') && existsSync('/usr/bin/apt-get')

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plimsoll-debian-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('a package of another suite is unpacked to a program that runs, and nothing else is left', async () => {
  const request = { packages: ['nats-server'], suite: 'trixie', dependencies: 'alone' } as const
  if (!isDebian) return await expect(unpackDebian(request, directory)).rejects.toThrow('cannot be used here')
  // Two at once, as two processes may: both get the same.
  const [root, other] = await Promise.all([unpackDebian(request, directory), unpackDebian(request, directory)])
  expect(other).toBe(root)
  expect(await execute(join(root, 'usr/sbin/nats-server'), ['--version'])).toMatch(/nats-server: v2\.\d+/)
  expect(await readdir(directory)).toEqual(['root'])
})

test('a package that does not exist is told by name, and leaves nothing', async () => {
  const request = { packages: ['plimsoll-no-such-package'], suite: 'own', dependencies: 'alone' } as const
  const reason = isDebian ? /plimsoll-no-such-package/ : /cannot be used here/
  await expect(unpackDebian(request, directory)).rejects.toThrow(reason)
  expect(await readdir(directory)).toEqual([])
})
