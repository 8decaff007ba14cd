import { expect, test } from 'vitest'
import type { Configuration } from './configuration.ts'
import { driversOf } from './drivers.ts'
import { byComponent, explain, type Line } from './explain.ts'
import type { Reading } from './metrics.ts'
import { healthOf } from './score.ts'
import { DEFAULT_CONFIGURATION } from './templates.ts'
import { random, randomReadings } from './testing.ts'

const sum = (lines: readonly Line[]): number => lines.reduce((total, { points }) => total + points, 0)
const reading = (value: number, shown = value): Reading => ({ value, shown, confidence: 1 })
const old = { segment: 'smb', ageDays: 200 }
const standard = DEFAULT_CONFIGURATION.templates.standard
if (standard === undefined) throw new Error('the product comes with a standard template')

/** Version 2: other weights, another scale. */
const refitted: Configuration = {
  ...DEFAULT_CONFIGURATION,
  version: 2,
  templates: {
    ...DEFAULT_CONFIGURATION.templates,
    standard: {
      ...standard,
      weights: { ...standard.weights, support: 60 },
      scale: [
        [0, 0],
        [55, 40],
        [90, 70],
        [100, 100],
      ],
    },
  },
}

test('lines add up to the change between any two scores, across templates and configurations', () => {
  const seed = 3
  const next = random(seed)
  for (let i = 0; i < 2_000; i++) {
    const [then, now] = [refitted, DEFAULT_CONFIGURATION].sort(() => next() - 0.5)
    if (then === undefined || now === undefined) continue
    const before = healthOf(randomReadings(next), { segment: '', ageDays: 60 * next() }, then)
    const same = next() < 0.5 ? then : now
    const after = healthOf(randomReadings(next), { segment: '', ageDays: 60 * next() }, same)
    const change = (after.score ?? 0) - (before.score ?? 0)
    expect(Math.abs(sum(explain(before, after, then)) - change), `seed ${seed}, ${i}`).toBeLessThan(1e-9)
  }
})

test('a line names its metric, before, after and its points', () => {
  const before = healthOf({ nps: reading(9), severe_tickets: reading(0) }, old, DEFAULT_CONFIGURATION)
  const after = healthOf({ nps: reading(9), severe_tickets: reading(3) }, old, DEFAULT_CONFIGURATION)
  expect(explain(before, after, DEFAULT_CONFIGURATION)).toEqual([
    {
      component: 'support',
      metric: 'severe_tickets',
      before: 0,
      after: 3,
      points: expect.closeTo((15 / 25) * -80, 9),
      text: 'urgent and high tickets 0 -> 3 in 28 d, -48.0 points',
    },
  ])
})

test('data that comes or goes is one line of renormalisation', () => {
  const before = healthOf({ failed_payments: reading(0) }, old, DEFAULT_CONFIGURATION)
  const after = healthOf({ failed_payments: reading(0), nps: reading(3) }, old, DEFAULT_CONFIGURATION)
  expect(explain(before, after, DEFAULT_CONFIGURATION)).toMatchObject([
    { component: 'renormalisation', text: 'data for nps came', points: expect.closeTo(-40, 9) },
  ])
})

test('another configuration is one line, the rest as it would have been under the old one', () => {
  const readings = { nps: reading(9), severe_tickets: reading(3) }
  const before = healthOf(readings, old, DEFAULT_CONFIGURATION)
  const lines = explain(before, healthOf(readings, old, refitted), DEFAULT_CONFIGURATION)
  expect(lines.map(({ component }) => component)).toEqual(['configuration'])
})

const trend = (value: number, metric: 'champion' | 'usage', share: number): Reading => ({
  ...{ value, shown: 10 * value, confidence: 1 },
  toldAs: { metric, share },
})

test('what one person took along is told as that person’s silence', () => {
  const before = healthOf({ champion: reading(0), usage: trend(1, 'champion', 0) }, old, DEFAULT_CONFIGURATION)
  const after = healthOf({ champion: reading(0, 9), usage: trend(0.6, 'champion', 0.75) }, old, DEFAULT_CONFIGURATION)
  const lines = explain(before, after, DEFAULT_CONFIGURATION)
  const change = (after.score ?? 0) - (before.score ?? 0)
  expect(lines).toMatchObject([
    { metric: 'champion', points: expect.closeTo(0.75 * change, 9), text: expect.stringContaining('person 0 -> 9') },
    { metric: 'usage', points: expect.closeTo(0.25 * change, 9) },
  ])
  expect(byComponent(lines).get('engagement')).toBeCloseTo(change, 9)
})

test('a loss stays in its own line where the other has no figures: nothing is told as "? -> ?"', () => {
  const before = healthOf({ champion: reading(0) }, old, DEFAULT_CONFIGURATION)
  const after = healthOf({ champion: trend(6, 'usage', 1) }, old, DEFAULT_CONFIGURATION)
  expect(explain(before, after, DEFAULT_CONFIGURATION)).toMatchObject([
    { metric: 'champion', before: 0, after: 60, text: expect.stringContaining('person 0 -> 60') },
  ])
})

test('a lack since the start stands beside a fall since the baseline', () => {
  const before = healthOf({ usage: reading(1), core_breadth: reading(0.3) }, old, DEFAULT_CONFIGURATION)
  const after = healthOf({ usage: reading(0.9), core_breadth: reading(0.3) }, old, DEFAULT_CONFIGURATION)
  const drivers = driversOf(before, after, { core_breadth: reading(0.6) }, DEFAULT_CONFIGURATION)
  expect(drivers.map(({ metric }) => metric)).toEqual(['core_breadth', 'usage'])
  const better = driversOf(before, after, { core_breadth: reading(0.2) }, DEFAULT_CONFIGURATION)
  expect(better.map(({ metric }) => metric)).toEqual(['usage'])
})
