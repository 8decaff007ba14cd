import { expect, test } from 'vitest'
import { adviceOn } from './advice.ts'

test.each(['histogram-count', 'missing-identity', 'too-many-events', 'ignored', 'bad-request'])(
  'whoever sees %s counted is told what to change',
  (reason) => expect(adviceOn(reason)).not.toBe(''),
)

test('a reason of another version has no advice', () => {
  expect(adviceOn('toString')).toBe('')
})
