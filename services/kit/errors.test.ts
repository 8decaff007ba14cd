import { expect, test } from 'vitest'
import { AppError, appError, describeError, isPoison, isTransient, poison } from './errors.ts'

const withCode = (code: string) => Object.assign(new Error('x'), { code })

test('an error takes its status from the table', () => {
  const error = appError('too-large', 'Send at most 10 MB.')
  expect(error).toBeInstanceOf(AppError)
  expect(error).toMatchObject({ code: 'too-large', status: 413, message: 'Send at most 10 MB.' })
})

test('poison is recognised, and is not worth trying again', () => {
  expect(isPoison(poison('undecodable'))).toBe(true)
  expect(isPoison(new Error('undecodable'))).toBe(false)
  expect(isTransient(poison('undecodable'))).toBe(false)
})

test.each(['ECONNREFUSED', '57P01', '08006', '40001', '40P01', '53300', 'TIMEOUT', '503'])(
  '%s is transient',
  (code) => {
    expect(isTransient(withCode(code))).toBe(true)
  },
)

test.each(['23505', '42P01', 'ENOENT', 'ERR_ASSERTION'])('%s is not transient', (code) => {
  expect(isTransient(withCode(code))).toBe(false)
})

test('a transient cause makes its wrapper transient', () => {
  expect(isTransient(new Error('saving failed', { cause: withCode('ECONNRESET') }))).toBe(true)
  expect(isTransient(new AggregateError([withCode('ECONNREFUSED'), withCode('ETIMEDOUT')]))).toBe(true)
  expect(isTransient(new AggregateError([withCode('ECONNREFUSED'), new Error('no')]))).toBe(false)
})

test('a description holds the causes on one line', () => {
  const error = new Error('could not\n  start', { cause: new Error('port taken') })
  expect(describeError(error)).toBe('could not start (port taken)')
  expect(describeError(new AggregateError([new Error('a'), new Error('b')]))).toBe('a; b')
})
