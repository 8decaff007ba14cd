// @ts-check
import { element } from './dom.js'
import { stateMark } from './parts.js'

/** What health and risk look like wherever they are shown. */

/**
 * @typedef {{ component: string, metric: string, before: number | null, after: number | null, points: number, text: string }} Driver
 * @typedef {{
 *   at: string, score: number | null, band: string, confidence: number, provisional: boolean, trend7: number | null,
 *   trend28: number | null, churnProbability: number | null, drivers: Driver[],
 * }} Health
 * @typedef {{ episodeId: string, raisedAt: string, trigger: string, mrrMinor: number, currency: string, reason: string }} Risk
 * @typedef {{ at: string, breadth: number, expected: number, missing: string[] }} Lag
 * @typedef {{
 *   accountId: string, name: string, plan: string, segment: string, health: Health | null, risk: Risk | null, lag: Lag | null,
 * }} Account
 */

/** By band, the mark of the state that is as urgent. @type {Readonly<Record<string, { mark: string, text: string }>>} */
const bands = {
  churn_risk: { mark: 'suspected', text: 'Churn-risk' },
  at_risk: { mark: 'suspected', text: 'At-risk' },
  healthy: { mark: 'normal', text: 'Healthy' },
  unknown: { mark: 'unknown', text: 'Unknown' },
}

/** An open risk episode outweighs every band. @param {Account} account */
export function standing({ health, risk }) {
  if (risk !== null) return { mark: 'confirmed', text: 'Risk raised' }
  return bands[health?.band ?? 'unknown'] ?? { mark: 'unknown', text: 'Unknown' }
}

/** @param {Account} account */
export function standingBadge(account) {
  const { mark, text } = standing(account)
  return element(`span.badge.${mark}`, {}, stateMark(mark), text)
}

/** @param {number | null} score */
export const scoreText = (score) => (score === null ? '–' : String(Math.round(score)))

/** The query behind everything told of an account. @param {string} accountId */
export const accountQuery = (accountId) => `/v1/reporting/accounts/${encodeURIComponent(accountId)}`
