import type { EventType, EventValue } from '@plimsoll/contracts/events.ts'
import {
  actionTriggered,
  featureAdopted,
  healthChanged,
  lagDetected,
  outcomeRecorded,
  riskRaised,
} from './account-facts.ts'
import type { Published } from './running.ts'

/** A book of accounts on an ordinary day, without chance: the same picture each time. */

const day = 86_400_000

const drivers = [
  driver('engagement', 'active users 14 -> 3 in 28 d', 14, 3, -18.4),
  driver('adoption', 'core features used 5 -> 2 of 6', 5, 2, -9.1),
  driver('support', 'severe tickets open 0 -> 1', 0, 1, -4.6),
  driver('payment', 'days overdue 12 -> 0', 12, 0, 2.3),
]

function driver(component: string, text: string, before: number, after: number, points: number) {
  return { component, metric: text.split(' ')[0] ?? '', before, after, points, text }
}

const accounts: readonly (readonly [id: string, score: number, trend7: number, mrrMinor: number])[] = [
  ['northwind-trading', 34, -11.2, 149_900],
  ['halden-clinics', 38, -6.4, 42_000],
  ['orchard-books', 29, -2.1, 0],
  ['fjord-logistics', 52, -8.3, 0],
  ['atlas-metering', 61, 1.4, 0],
  ['quayside-foods', 78, 0.6, 0],
  ['meridian-labs', 83, 2.2, 0],
  ['union-press', 91, -0.4, 0],
]

const bandOf = (score: number) => (score < 40 ? 'churn_risk' : score < 70 ? 'at_risk' : 'healthy')

export function exampleAccountFacts(now: number): Published[] {
  let n = 0
  const fact = <T extends EventType>(type: T, value: EventValue<T> & { accountId: string; at: number }) =>
    ({ type, key: value.accountId, value, id: `example-account-${n++}`, time: value.at }) as Published
  const facts = accounts.flatMap(([accountId, score, trend7, mrrMinor], i) => {
    const at = now - 9_000 - i * 400
    const band = bandOf(score)
    const previousBand = bandOf(score - trend7)
    const confidence = accountId === 'orchard-books' ? 0.44 : 0.86
    const said = score < 60 ? drivers : []
    const accountName = accountId === 'union-press' ? 'The Union Press' : ''
    const segment = score > 80 ? 'enterprise' : 'smb'
    const health = healthChanged({
      ...{ accountId, at, score, band, previousBand, trend7, trend28: trend7 * 2, confidence },
      ...{ previousScore: score - trend7, provisional: confidence < 0.5, churnProbability: score < 40 ? 0.31 : 0.04 },
      ...{ accountName, segment, drivers: said, weekDrivers: [] },
    })
    const raisedAt = now - (3 + i) * day
    const reason = `Health fell below 40 at two evaluations, most of it from ${drivers[0]?.text}.`
    const risk = riskRaised({ accountId, episodeId: `${accountId}@1`, at: raisedAt, score, mrrMinor, reason, drivers })
    return [
      fact('plimsoll.customer_success.v1.HealthScoreChanged', health),
      ...(mrrMinor > 0 ? [fact('plimsoll.customer_success.v1.ChurnRiskRaised', risk)] : []),
    ]
  })
  const about = { accountId: 'northwind-trading' }
  const action = { ...about, episodeId: 'northwind-trading@1', reason: 'Churn risk raised.' }
  return [
    ...facts,
    fact(
      'plimsoll.customer_success.v1.FeatureAdopted',
      featureAdopted({ ...about, at: now - 60 * day, feature: 'Report Exported' }),
    ),
    fact('plimsoll.customer_success.v1.AdoptionLagDetected', lagDetected({ ...about, at: now - 20 * day })),
    fact(
      'plimsoll.customer_success.v1.ActionTriggered',
      actionTriggered({ ...action, actionId: 'dunning-1', playbook: 'dunning', at: now - 45 * day }),
    ),
    fact(
      'plimsoll.customer_success.v1.ActionOutcomeRecorded',
      outcomeRecorded({
        ...about,
        ...{ actionId: 'dunning-1', playbook: 'dunning', triggeredAt: now - 45 * day, at: now - 31 * day },
        ...{ metric: 'overdue', before: 12, after: 0 },
      }),
    ),
    fact(
      'plimsoll.customer_success.v1.ActionTriggered',
      actionTriggered({ ...action, actionId: 'retention-1', at: now - 3 * day }),
    ),
  ]
}

/** As customer-success answers of one account. */
export const exampleAccountAnswers = {
  '/v1/customer-success/accounts/:id/health/history': () => ({ items: exampleScores(Date.now()), next: null }),
  '/v1/customer-success/accounts/:id/health/explain': () => ({
    change: drivers.reduce((sum, { points }) => sum + points, 0),
    from: { day: isoDay(Date.now() - 28 * day) },
    lines: drivers,
  }),
  '/v1/customer-success/accounts/:id/timeline': () => ({
    items: [
      { at: new Date(Date.now() - 5 * day).toISOString(), kind: 'ticket', id: '41', text: 'urgent' },
      { at: new Date(Date.now() - 44 * day).toISOString(), kind: 'invoice', id: 'i-9', text: 'paid 1499.00 EUR' },
    ],
    next: null,
  }),
  '/v1/customer-success/playbooks': () => ({ items: playbooks, next: null }),
  '/v1/customer-success/playbooks/dunning/effect': () => effects.dunning,
  '/v1/customer-success/playbooks/retention-campaign/effect': () => effects.retention,
  '/v1/customer-success/playbooks/check-in/effect': () => effects.checkIn,
  '/v1/customer-success/health/configurations': () => ({
    items: [
      { version: 2, createdBy: 'ann', activatedAt: null },
      { version: 1, createdBy: 'plimsoll', activatedAt: '1970-01-01T00:00:00.000Z' },
    ],
    next: null,
  }),
  '/v1/customer-success/churn-risk/assessment': () => ({
    ...{ from: isoDay(Date.now() - 180 * day), to: isoDay(Date.now()) },
    raises: { raised: 19, open: 4, precision: proportion(7, 15), coverage: proportion(7, 13) },
    naive: { raised: 61, open: 9, precision: proportion(9, 52), coverage: proportion(9, 13) },
    missed: {
      accounts: 6,
      items: [
        {
          accountId: 'larch-telecom',
          leftOn: isoDay(Date.now() - 9 * day),
          ...euros(88_000),
          lastScore: 71.4,
          drivers,
        },
        { accountId: 'pier-nine', leftOn: isoDay(Date.now() - 70 * day), ...euros(0), lastScore: null, drivers: [] },
      ],
    },
    calibration: { learned, score: null },
  }),
  '/v1/customer-success/analytics/adoption': () => ({
    ...{ day: isoDay(Date.now()), accounts: 8, breadth: 0.417 },
    features: [
      { feature: 'Report Exported', isCore: true, eligible: 8, adopted: 6, rate: 0.75, depth: 11.4 },
      { feature: 'Dashboard Shared', isCore: true, eligible: 7, adopted: 2, rate: 0.286, depth: 3.1 },
      { feature: 'Alert Created', isCore: false, eligible: 0, adopted: 0, rate: null, depth: null },
    ],
  }),
}

const euros = (mrrMinor: number) => ({ mrrMinor, currency: 'EUR' })

const proportion = (successes: number, n: number) => {
  const rate = successes / n
  const half = 1.96 * Math.sqrt((rate * (1 - rate)) / n)
  return { successes, n, rate, interval: { low: Math.max(0, rate - half), high: Math.min(1, rate + half) } }
}

/** A model that says somewhat too much of those at most risk. */
const learned = {
  ...{ n: 400, left: 29, brier: 0.061, calibrationError: 0.017 },
  bins: [1, 1, 1, 2, 3, 3, 3, 4, 5, 6].map((successes, i) => ({
    meanPredicted: 0.012 + 0.003 * i ** 2,
    observed: proportion(successes, 40),
  })),
}

/** As customer-success answers of playbooks: one that works, one too few have been through, one nobody has activated. */
const playbooks = [
  playbook('dunning', 'Dunning', 'Asks for another way to pay after a payment failed.', 2),
  playbook('retention-campaign', 'Retention campaign', 'Writes to accounts at high risk of leaving.', 3),
  playbook('check-in', 'New account check-in', 'Asks on days 1, 3 and 7 how it goes.', null),
]

function playbook(id: string, name: string, description: string, activeVersion: number | null) {
  return { id, version: activeVersion ?? 0, activeVersion, definition: { name, description } }
}

const arm = (reached: number, n: number) => ({ n, reached, rate: reached / Math.max(1, n) })

const effects = {
  dunning: {
    ...{ treated: arm(310, 412), heldOut: arm(52, 103), effect: 0.248, interval: { low: 0.143, high: 0.35 } },
    ...{ verdict: 'works', reason: 'Its whole interval lies above zero.', uplift: fittedUplift() },
  },
  retention: {
    ...{ treated: arm(9, 21), heldOut: arm(2, 5), effect: 0.029, interval: { low: -0.37, high: 0.37 } },
    ...{ verdict: 'not enough data', reason: 'An arm has 5 accounts, 20 are the least.' },
    uplift: {
      reason: 'the smaller arm needs 495 more accounts with an outcome, 500 in all',
      missing: 495,
      fitted: null,
    },
  },
  checkIn: {
    ...{ treated: arm(0, 0), heldOut: arm(0, 0), effect: 0, interval: { low: -1, high: 1 } },
    ...{ verdict: 'not enough data', reason: 'An arm has 0 accounts, 20 are the least.' },
    uplift: {
      reason: 'the smaller arm needs 500 more accounts with an outcome, 500 in all',
      missing: 500,
      fitted: null,
    },
  },
}

/** Three quarters are helped, the last quarter is driven away. */
function fittedUplift() {
  const estimate = (value: number, half: number) => ({ value, low: value - half, high: value + half })
  const points = Array.from({ length: 20 }, (_, i) => {
    const share = (i + 1) / 20
    return { share, gain: estimate(0.4 * Math.min(share, 0.75) - 0.2 * Math.max(0, share - 0.75), 0.02 + 0.05 * share) }
  })
  const fitted = {
    at: new Date().toISOString(),
    treated: 412,
    heldOut: 503,
    coefficient: estimate(0.061, 0.02),
    points,
  }
  return { reason: 'it tells accounts apart: who would do worse when contacted is not contacted', missing: 0, fitted }
}

/** Newest first: well for three months, then down; yesterday was corrected. */
function exampleScores(now: number) {
  const scores = Array.from({ length: 120 }, (_, age) => {
    const fall = Math.max(0, 30 - age) * 1.4
    return { day: isoDay(now - age * day), revision: 0, score: 76 - fall + 2 * Math.sin(age / 4) }
  })
  const [newest, yesterday, ...rest] = scores
  return [newest, { ...yesterday, revision: 1, score: 39 }, yesterday, ...rest]
}

const isoDay = (at: number) => new Date(at).toISOString().slice(0, 'yyyy-mm-dd'.length)
