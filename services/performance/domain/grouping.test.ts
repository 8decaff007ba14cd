import { describe, expect, test } from 'vitest'
import { dependenciesOf, dependsOn, groupAlarm } from './grouping.ts'

const calls = dependenciesOf([
  { caller: 'web', callee: 'checkout' },
  { caller: 'web', callee: 'cart' },
  { caller: 'checkout', callee: 'cart' },
  { caller: 'cart', callee: 'redis' },
  { caller: 'redis', callee: 'cart' },
])
const alarm = (subject: string, minute = 0, environment = '') => ({ environment, subject, onsetMs: minute * 60_000 })
const told = (regressionId: string, subject: string, minute = 0) => ({ regressionId, ...alarm(subject, minute) })

describe('dependence', () => {
  test('goes through others, and survives a cycle', () => {
    expect(dependsOn(calls, 'web', 'redis')).toBe(true)
    expect(dependsOn(calls, 'redis', 'web')).toBe(false)
    expect(dependsOn(calls, 'web', 'web')).toBe(false)
  })
})

describe('an alarm', () => {
  test('of an unrelated service is a regression of its own', () => {
    expect(groupAlarm(alarm('mail'), [told('r1', 'cart')], calls)).toEqual({ kind: 'new' })
  })
  test('of a caller is a symptom of what it depends on', () => {
    expect(groupAlarm(alarm('web', 2), [told('r1', 'cart')], calls)).toEqual({ kind: 'join', regressionId: 'r1' })
  })
  test('of the same service is a symptom of the first', () => {
    expect(groupAlarm(alarm('cart', 1), [told('r1', 'cart')], calls)).toEqual({ kind: 'join', regressionId: 'r1' })
  })
  test('joins the deepest of several', () => {
    const regressions = [told('r1', 'checkout'), told('r2', 'redis', 1)]
    expect(groupAlarm(alarm('web', 2), regressions, calls)).toEqual({ kind: 'join', regressionId: 'r2' })
  })
  test('of a child takes over the regressions of its callers', () => {
    const regressions = [told('r2', 'checkout', 1), told('r1', 'web')]
    const grouping = groupAlarm(alarm('cart', 2), regressions, calls)
    expect(grouping).toEqual({ kind: 'cause', regressionId: 'r1', explained: ['r2'] })
  })
  test('more than five minutes away is another cause', () => {
    expect(groupAlarm(alarm('cart', 6), [told('r1', 'cart')], calls)).toEqual({ kind: 'new' })
  })
  test('of another environment is another cause', () => {
    expect(groupAlarm(alarm('cart', 0, 'staging'), [told('r1', 'cart')], calls)).toEqual({ kind: 'new' })
  })
})
