import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from 'typebox'
import { afterAll, expect, test } from 'vitest'
import { describeConfig, kitConfig, readConfig } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'plimsoll-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const schema = Type.Object({
  DEMO_URL: Type.String({ minLength: 1, secret: true }),
  DEMO_ROWS: Type.Integer({ minimum: 1, default: 10 }),
  DEMO_HOSTS: Type.Optional(Type.Array(Type.String())),
  DEMO_ON: Type.Boolean({ default: false }),
})

test('texts become what the schema says, defaults fill in, and nothing can change it', () => {
  const [config] = readConfig([schema], { DEMO_URL: 'x://y', DEMO_HOSTS: 'a, b', DEMO_ON: 'yes' })
  expect(config).toEqual({ DEMO_URL: 'x://y', DEMO_ROWS: 10, DEMO_HOSTS: ['a', 'b'], DEMO_ON: true })
  expect(Object.isFrozen(config)).toBe(true)
})

test('every problem of every part is told at once', () => {
  const read = () =>
    readConfig([schema, kitConfig], {
      DEMO_ROWS: 'many',
      DEMO_ON: 'perhaps',
      PORT: '99999',
      DATABASE_URL: 'postgres://db',
    })
  expect(read).toThrow(/DEMO_URL is not set/)
  expect(read).toThrow(/DEMO_ROWS must be an integer of at least 1, not many/)
  expect(read).toThrow(/DEMO_ON must be true or false, not perhaps/)
  expect(read).toThrow(/PORT must be an integer from 0 to 65535, not 99999/)
  expect(read).toThrow(/NATS_URL is not set/)
})

test('an empty variable counts as not set', () => {
  expect(() => readConfig([schema], { DEMO_URL: '' })).toThrow(/DEMO_URL is not set/)
})

test('a secret can be in a file', () => {
  const file = join(folder, 'secret')
  writeFileSync(file, 'from-file\n')
  expect(readConfig([schema], { DEMO_URL_FILE: file })[0].DEMO_URL).toBe('from-file')
  expect(() => readConfig([schema], { DEMO_URL_FILE: file, DEMO_URL: 'both' })).toThrow(/both set/)
  expect(() => readConfig([schema], { DEMO_URL_FILE: join(folder, 'none') })).toThrow(/cannot be read/)
})

test('what is printed shows the values in use and no secret', () => {
  const text = describeConfig([schema], { DEMO_URL: 'postgres://ada:pa55word@host:5432/db' })
  expect(text).toContain('DEMO_URL=postgres://********@host:5432/db')
  expect(text).toContain('DEMO_ROWS=10')
  expect(text).toContain('DEMO_HOSTS=(not set)')
  expect(text).not.toContain('pa55word')
})

test('a refused secret is not shown either', () => {
  const secret = Type.Object({ DEMO_KEY: Type.String({ minLength: 32, secret: true }) })
  expect(() => readConfig([secret], { DEMO_KEY: 'short' })).toThrow(
    /DEMO_KEY must be a text of at least 32 characters, not \*{8}/,
  )
})
