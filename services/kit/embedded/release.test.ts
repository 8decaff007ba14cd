import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetchRelease, natsRelease, type Release } from './release.ts'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-release-'))
let server: Server
let release: Release

beforeAll(async () => {
  mkdirSync(join(folder, 'demo-v1'))
  writeFileSync(join(folder, 'demo-v1/demo'), '#!/bin/sh\necho demo\n')
  execFileSync('tar', ['-czf', 'demo.tar.gz', 'demo-v1'], { cwd: folder })
  const archive = readFileSync(join(folder, 'demo.tar.gz'))
  server = createServer((request, response) => {
    // As the download site does: an address elsewhere holds the bytes.
    if (request.url === '/demo.tar.gz') response.writeHead(302, { location: '/bytes' }).end()
    else if (request.url === '/bytes') response.end(archive)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/demo.tar.gz`
  release = {
    version: '1.0.0',
    url,
    sha256: createHash('sha256').update(archive).digest('hex'),
    member: 'demo-v1/demo',
  }
})
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

test('a release is unpacked to one program that can be run', async () => {
  const program = await fetchRelease(release, join(folder, 'good'))
  expect(execFileSync(program, { encoding: 'utf8' })).toBe('demo\n')
  expect(statSync(program).mode & 0o111).not.toBe(0)
  expect(readdirSync(join(folder, 'good'))).toEqual(['demo-1.0.0'])
})

test('a release with another digest is not even unpacked', async () => {
  const sha256 = 'f'.repeat(64)
  await expect(fetchRelease({ ...release, sha256 }, join(folder, 'bad'))).rejects.toThrow(
    /not the pinned f{64}; it was not used/,
  )
  expect(existsSync(join(folder, 'bad'))).toBe(false)
})

test('a release that is not there is told with its address', async () => {
  const url = `${release.url}.gone`
  await expect(fetchRelease({ ...release, url }, join(folder, 'gone'))).rejects.toThrow(
    `${url} could not be downloaded.`,
  )
})

test.each([
  ['linux', 'x64', 'linux-amd64'],
  ['linux', 'arm64', 'linux-arm64'],
  ['darwin', 'x64', 'darwin-amd64'],
  ['darwin', 'arm64', 'darwin-arm64'],
] as const)('nats-server for %s %s is pinned', (platform, arch, target) => {
  const pinned = natsRelease(platform, arch)
  expect(pinned?.url).toMatch(new RegExp(`/v${pinned?.version}/nats-server-v${pinned?.version}-${target}\\.tar\\.gz$`))
  expect(pinned?.sha256).toMatch(/^[\da-f]{64}$/)
})

test('a platform without a release has none', () => {
  expect(natsRelease('freebsd', 'x64')).toBeUndefined()
})
