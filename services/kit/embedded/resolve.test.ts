import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type ResolveContext, resolveServer, type ServerKind } from './resolve.ts'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-resolve-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A program that prints a version, in a folder of its own for PATH. */
function fakeServer(version: string): { path: string; onPath: string } {
  const onPath = mkdtempSync(join(folder, 'path-'))
  const path = join(onPath, 'demo-server')
  writeFileSync(path, `#!/bin/sh\necho "demo-server: v${version}"\n`)
  chmodSync(path, 0o755)
  return { path, onPath }
}

const kind: ServerKind = {
  program: 'demo-server',
  binVariable: 'DEMO_SERVER_BIN',
  urlVariable: 'DEMO_URL',
  minimum: [2, 10],
  release: { version: '2.14.6', url: 'http://127.0.0.1:1/demo.tar.gz', sha256: '00', member: 'demo/demo-server' },
  debian: { packages: ['no-such-package'], suite: 'no-such-suite', dependencies: 'alone' },
  debianPath: 'usr/bin/demo-server',
  image: 'demo:2',
}
const context = (env: Record<string, string>): ResolveContext => ({
  env,
  cacheDir: mkdtempSync(join(folder, 'cache-')),
  progress: () => {},
})

test('the program on PATH is used when it is new enough', async () => {
  const { path, onPath } = fakeServer('2.10.3')
  expect(await resolveServer(kind, context({ PATH: onPath }))).toMatchObject({
    path,
    version: '2.10.3',
    origin: 'PATH',
  })
})

test('the program that is named goes before PATH, and is never replaced by another', async () => {
  const [named, old, other] = [fakeServer('2.11.0'), fakeServer('2.9.9'), fakeServer('2.12.0')]
  const env = { PATH: other.onPath, DEMO_SERVER_BIN: named.path }
  expect(await resolveServer(kind, context(env))).toMatchObject({ path: named.path, version: '2.11.0' })
  await expect(resolveServer(kind, context({ ...env, DEMO_SERVER_BIN: old.path }))).rejects.toThrow(
    /is version 2\.9\.9; 2\.10 or later is needed/,
  )
  await expect(resolveServer(kind, context({ ...env, DEMO_SERVER_BIN: join(folder, 'none') }))).rejects.toThrow(
    /could not be run/,
  )
})

test('a release that was fetched before is used without asking anybody', async () => {
  const { path } = fakeServer('2.14.6')
  const where = context({ PATH: '' })
  mkdirSync(join(where.cacheDir, 'demo-server'))
  writeFileSync(join(where.cacheDir, 'demo-server/demo-server-2.14.6'), `#!/bin/sh\nexec ${path}\n`, { mode: 0o755 })
  expect(await resolveServer(kind, where)).toMatchObject({ version: '2.14.6', origin: 'official release 2.14.6' })
})

test('when none is to be had, each way that was tried is told, and what to do', async () => {
  const { onPath } = fakeServer('2.9.1')
  const error = await resolveServer(kind, context({ PATH: onPath })).catch((caught: Error) => caught)
  const { message } = error as Error
  expect(message).toMatch(/Install demo-server 2\.10 or later .* DEMO_SERVER_BIN .* DEMO_URL/)
  expect(message).toMatch(/is version 2\.9\.1/)
  expect(message).toMatch(/demo\.tar\.gz could not be downloaded/)
  expect(message.split('\n').length).toBeGreaterThanOrEqual(3)
})
