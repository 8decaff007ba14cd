import { describe, expect, test } from 'vitest'
import type { Configuration } from './configuration.ts'
import { configurationProblem } from './configuration.ts'
import type { Reading } from './metrics.ts'
import { bandOf, componentsOf, healthOf } from './score.ts'
import { DEFAULT_CONFIGURATION } from './templates.ts'
import { random, randomReadings } from './testing.ts'

const old = { segment: 'smb', ageDays: 200 }
const reading = (value: number, confidence = 1): Reading => ({ value, shown: value, confidence })

describe('a score', () => {
  test('is the weighted mean of the components that have data', () => {
    // nps 6 -> 40 points of weight 10, no failed payments -> 100 points of weight 15
    const health = healthOf({ nps: reading(6), failed_payments: reading(0) }, old, DEFAULT_CONFIGURATION)
    expect(health.score).toBeCloseTo((10 * 40 + 15 * 100) / 25, 9)
  })

  test('does not exist without data', () => {
    const health = healthOf({}, old, DEFAULT_CONFIGURATION)
    expect([health.score, health.confidence, bandOf(health.score)]).toEqual([undefined, 0, 'unknown'])
  })

  test('has the confidence of its components by weight, those without data counted as none', () => {
    const health = healthOf({ nps: reading(6, 0.5), failed_payments: reading(0) }, old, DEFAULT_CONFIGURATION)
    expect(health.confidence).toBeCloseTo((10 * 0.5 + 15) / 100, 9)
  })

  test('of a young account is by the onboarding template', () => {
    expect(healthOf({}, { segment: 'smb', ageDays: 27 }, DEFAULT_CONFIGURATION).template).toBe('onboarding')
    expect(healthOf({}, { segment: 'smb', ageDays: 28 }, DEFAULT_CONFIGURATION).template).toBe('standard')
  })

  test('is what its components say, whatever data there is', () => {
    const next = random(11)
    for (let i = 0; i < 200; i++) {
      const health = healthOf(randomReadings(next), old, DEFAULT_CONFIGURATION)
      const components = componentsOf(health, DEFAULT_CONFIGURATION)
      const sum = components.reduce((total, { value, weight }) => total + weight * (value ?? 0), 0)
      expect(sum).toBeCloseTo(health.mean ?? 0, 9)
      expect(components.reduce((total, { weight }) => total + weight, 0)).toBeCloseTo(1, 9)
    }
  })
})

test.each([
  [100, 'healthy'],
  [70, 'healthy'],
  [69.9, 'at_risk'],
  [40, 'at_risk'],
  [39.9, 'churn_risk'],
] as const)('%d is %s', (score, band) => {
  expect(bandOf(score)).toBe(band)
})

describe('a configuration', () => {
  const standard = DEFAULT_CONFIGURATION.templates.standard
  if (standard === undefined) throw new Error('the product comes with a standard template')
  const changed = (template: Partial<typeof standard>, rules = DEFAULT_CONFIGURATION.rules): Configuration => ({
    ...DEFAULT_CONFIGURATION,
    templates: { ...DEFAULT_CONFIGURATION.templates, standard: { ...standard, ...template } },
    rules,
  })

  test('as it comes has no problem', () => {
    expect(configurationProblem(DEFAULT_CONFIGURATION)).toBeUndefined()
  })

  test.each([
    [changed({ weights: { engagement: -1 } }), 'negative'],
    [changed({ metrics: {} }), 'no metrics'],
    [changed({ weights: { engagement: 0 } }), 'has a weight'],
    [changed({ scale: [[0, 0]] }), undefined],
    [
      changed({
        scale: [
          [0, 5],
          [9, 5],
        ],
      }),
      'does not rise',
    ],
    [changed({}, [{ template: 'standard', segment: 'smb' }]), 'last rule'],
    [changed({}, [{ template: 'gone' }]), 'gone'],
  ])('%#: %s', (configuration, problem) => {
    if (problem === undefined) expect(configurationProblem(configuration)).toBeUndefined()
    else expect(configurationProblem(configuration)).toContain(problem)
  })
})
