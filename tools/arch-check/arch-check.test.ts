import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { importsOf } from './imports.ts'
import { checkArchitecture, problemOf } from './rules.ts'
import { readSources } from './sources.ts'

test('the repository keeps the dependency rule', () => {
  const files = readSources(fileURLToPath(new URL('../..', import.meta.url)))
  expect(files.some(({ path }) => path === 'contracts/events.ts')).toBe(true)
  expect(checkArchitecture(files)).toEqual([])
})

test.each([
  ['contracts/codec.ts', '@plimsoll/kit/errors.ts'],
  ['contracts/codec.ts', '../services/kit/errors.ts'],
  ['services/kit/run.ts', '../performance/service.ts'],
  ['services/kit/run.ts', '@plimsoll/gateway/service.ts'],
  ['services/reporting/events/regression.ts', '@plimsoll/performance/domain/histogram.ts'],
  ['services/reporting/events/regression.ts', '../../performance/domain/histogram.ts'],
  ['services/performance/domain/shift.ts', '../store/tables.ts'],
  ['services/performance/domain/shift.ts', '@plimsoll/kit/clock.ts'],
  ['services/performance/domain/shift.ts', 'node:fs'],
  ['services/performance/service.ts', '../all/main.ts'],
  ['services/performance/service.ts', '../../tools/replay/main.ts'],
  ['services/kit/outbox/relay.ts', 'nats'],
  ['tools/streams/main.ts', 'nats'],
  ['services/gateway/http/limits.ts', 'ioredis'],
])('%s cannot import %s', (file, specifier) => {
  expect(problemOf(file, specifier)).toBeTypeOf('string')
})

test.each([
  ['services/kit/log/jetstream.ts', 'nats'],
  ['services/kit/cache/redis.ts', 'ioredis'],
  ['services/performance/domain/shift.ts', './histogram.ts'],
  ['services/performance/domain/shift.ts', '@plimsoll/contracts/histogram.ts'],
  ['services/performance/domain/shift.test.ts', 'vitest'],
  ['services/performance/events/samples.ts', '../domain/shift.ts'],
  ['services/performance/events/samples.ts', '@plimsoll/kit/lanes/processor.ts'],
  ['services/all/main.ts', '@plimsoll/performance/service.ts'],
  ['tools/bench/detect/main.ts', '@plimsoll/performance/domain/shift.ts'],
])('%s may import %s', (file, specifier) => {
  expect(problemOf(file, specifier)).toBeUndefined()
})

test('imports are found in every form, with their line, and not in comments or strings', () => {
  const text = [
    "import a from 'one'",
    'import {',
    '  b,',
    "} from 'two'",
    "export { c } from 'three'",
    "import 'four'",
    "const d = await import('five')",
    "// import e from 'six'",
    "/* import f from 'seven' */",
    'const g = "import h from \'eight\'"',
    "const i = `import j from 'nine'`",
    "import type { K } from 'ten'",
    "export const l = Buffer.from('eleven')",
  ].join('\n')
  expect(importsOf(text)).toEqual([
    { specifier: 'one', line: 1 },
    { specifier: 'two', line: 4 },
    { specifier: 'three', line: 5 },
    { specifier: 'four', line: 6 },
    { specifier: 'five', line: 7 },
    { specifier: 'ten', line: 12 },
  ])
})
