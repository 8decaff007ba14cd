import { describe, expect, it } from 'vitest'
import { featureAdopted, healthChanged, lagDetected, riskCleared, riskRaised } from '../test/account-facts.ts'
import { foldAdopted, foldCleared, foldHealth, foldLag, foldRaised, newAccount, severityOf } from './account.ts'

const day = 86_400_000
const monday = Date.UTC(2026, 10, 23)
const acme = newAccount('acme')

describe('an account', () => {
  it('has the score of the newest day, whatever is told later of older ones', () => {
    const now = foldHealth(acme, healthChanged({ at: monday, score: 58 }))
    expect(foldHealth(now, healthChanged({ at: monday - day, kind: 'corrected', score: 20 }))).toBe(now)
    expect(foldHealth(now, healthChanged({ at: monday, kind: 'corrected', score: 61 })).health?.score).toBe(61)
  })

  it('says why it moved in the week, where that is told', () => {
    const line = { component: 'engagement', metric: 'usage', before: 9, after: 2, points: -14.5, text: 'in 7 d' }
    const step = { ...line, points: 1.2, text: 'since yesterday' }
    const why = (fact: Parameters<typeof healthChanged>[0]) => foldHealth(acme, healthChanged(fact)).health?.drivers
    expect(why({ drivers: [step], weekDrivers: [line] })).toEqual([line])
    expect(why({ drivers: [step], weekDrivers: [] })).toEqual([step])
  })

  it('is at risk from the raise to the clearing', () => {
    const raised = foldRaised(acme, riskRaised({ at: monday, mrrMinor: 149_900 }))
    expect(raised.risk).toMatchObject({ raisedAt: monday, mrrMinor: 149_900 })
    expect(foldCleared(raised, riskCleared({ at: monday + day })).risk).toBeNull()
  })

  it('given a raise that arrives after its clearing, stays clear', () => {
    const cleared = foldCleared(acme, riskCleared({ at: monday + day }))
    expect(foldRaised(cleared, riskRaised({ at: monday }))).toBe(cleared)
  })

  it('given a clearing of an episode before the open one, stays at risk', () => {
    const raised = foldRaised(acme, riskRaised({ at: monday + day }))
    expect(foldCleared(raised, riskCleared({ at: monday }))).toBe(raised)
  })

  it('lags until it has adopted the last of the features it missed', () => {
    const lagging = foldLag(acme, lagDetected({ at: monday, missing: ['Share', 'Alert'] }))
    // Told late, of a day before the lag was told.
    const half = foldAdopted(lagging, featureAdopted({ at: monday - day, feature: 'Share' }))
    expect(half.lag?.missing).toEqual(['Alert'])
    expect(foldAdopted(half, featureAdopted({ at: monday + 2 * day, feature: 'Alert' })).lag).toBeNull()
  })
})

it('an open risk is worse than any band, and a worse band than a better one', () => {
  const bands = ['healthy', 'unknown', 'at_risk', 'churn_risk'] as const
  const calm = bands.map((band) => foldHealth(acme, healthChanged({ band })))
  const risky = calm.map((account) => foldRaised(account, riskRaised({})))
  const severities = [...calm, ...risky].map(severityOf)
  expect(severities).toEqual([...severities].sort((a, b) => a - b))
  expect(new Set(severities).size).toBe(severities.length)
})
