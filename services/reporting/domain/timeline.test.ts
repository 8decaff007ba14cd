import { expect, test } from 'vitest'
import { actionTriggered, healthChanged, outcomeRecorded } from '../test/account-facts.ts'
import { timelineEntryOf } from './timeline.ts'

const told = { id: '1', time: 0 }
const health = (given: Parameters<typeof healthChanged>[0]) =>
  timelineEntryOf({ ...told, type: 'plimsoll.customer_success.v1.HealthScoreChanged', value: healthChanged(given) })

test('a score that leaves its band is a line that says why; one that stays in it is none', () => {
  expect(health({ band: 'at_risk', previousBand: 'healthy' })?.text).toBe(
    'Health went from healthy to at risk, 71.4 to 58.2: active users 14 -> 6 in 28 d.',
  )
  expect(health({ band: 'at_risk', previousBand: 'at_risk' })).toBeUndefined()
})

test('a first score says that it is the first', () => {
  const first = health({ score: 88.24, band: 'healthy', previousScore: null, previousBand: 'unknown', drivers: [] })
  expect(first?.text).toBe('First health score: 88.2, healthy.')
})

test('a correction is a line of the day it corrects, even within its band', () => {
  expect(health({ kind: 'corrected', band: 'at_risk', previousBand: 'at_risk', at: 42 })).toMatchObject({
    at: 42,
    kind: 'correction',
    text: "Late data moved this day's score from 71.4 to 58.2.",
  })
})

test('an account that is held out is not said to have been acted on', () => {
  const lines = (['treated', 'holdout'] as const).map((arm) => {
    const value = actionTriggered({ arm, playbook: 'dunning', reason: 'A payment failed.' })
    return timelineEntryOf({ ...told, type: 'plimsoll.customer_success.v1.ActionTriggered', value })?.text
  })
  expect(lines).toEqual(['Started dunning: A payment failed.', 'Held out (holdout) of dunning: A payment failed.'])
})

test('an action nobody gave a reason for is told without one', () => {
  const value = actionTriggered({ arm: 'treated', playbook: 'dunning', reason: '' })
  const line = timelineEntryOf({ ...told, type: 'plimsoll.customer_success.v1.ActionTriggered', value })
  expect(line?.text).toBe('Started dunning.')
})

test('an outcome says whether the goal was reached, and from where to where it went', () => {
  const value = outcomeRecorded({ playbook: 'dunning', metric: 'health', before: 37.84, after: null, reached: false })
  const line = timelineEntryOf({ ...told, type: 'plimsoll.customer_success.v1.ActionOutcomeRecorded', value })
  expect(line?.text).toBe('dunning missed its goal: health 37.8 to unknown.')
})
