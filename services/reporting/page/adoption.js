// @ts-check
import { byId, element } from './dom.js'
import { dayName, number, plural, quantity } from './format.js'
import { read } from './frame.js'
import { figure, table } from './parts.js'

/**
 * @typedef {{ feature: string, isCore: boolean, eligible: number, adopted: number, rate: number | null, depth: number | null }} Feature
 * @typedef {{ day: string, accounts: number, breadth: number | null, features: Feature[] }} Adoption
 */

const url = '/v1/customer-success/analytics/adoption'

/** Who uses which feature, of those who could. @returns {import('./customers.js').View} */
export function adoptionView() {
  return {
    what: 'adoption of features',
    // Reckoned over all accounts for 28 days: no single change is worth that.
    concerns: () => false,
    keys: {},
    async refresh() {
      /** @type {[Adoption, { asOf: string | null }]} */
      const [adoption, { asOf }] = await Promise.all([read(url), read('/v1/reporting/book')])
      const { day, accounts, breadth, features } = adoption
      byId('headline').textContent =
        breadth === null
          ? 'Which features are core is not known yet'
          : `Accounts use ${share(breadth)} of the core features they could`
      byId('counts').replaceChildren(
        figure('a', url, 'accounts', plural(accounts, 'account')),
        element('span', {}, `28 days up to ${dayName(day)}`),
      )
      document.title = 'Adoption · Plimsoll'
      byId('adoption').replaceChildren(
        features.length === 0 ? element('p.quiet', {}, 'No feature has been used yet.') : featureTable(features),
      )
      byId('adoption').hidden = false
      return asOf
    },
  }
}

/** @param {number | null} part */
const share = (part) => quantity(part === null ? null : Math.round(part * 100), '%')

/** @param {readonly Feature[]} features */
const featureTable = (features) =>
  table(
    ['Feature', 'adopted', 'eligible', 'rate', 'uses a person'],
    features.map(({ feature, isCore, eligible, adopted, rate, depth }) => [
      element('span', {}, feature, isCore ? element('span.tag', {}, 'core') : ''),
      number(adopted),
      number(eligible),
      share(rate),
      depth === null ? '–' : number(depth),
    ]),
  )
