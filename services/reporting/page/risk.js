// @ts-check
import { calibrationPicture } from './calibration.js'
import { byId, element } from './dom.js'
import { dayName, money, number, plural, withArrows } from './format.js'
import { read } from './frame.js'
import { scoreText } from './health.js'
import { figure, query, table } from './parts.js'
import { percent } from './plot.js'
import { toElement } from './svg.js'

/**
 * @typedef {{ successes: number, n: number, rate: number | null, interval: { low: number, high: number } }} Proportion
 * @typedef {{ raised: number, open: number, precision: Proportion, coverage: Proportion }} Record
 * @typedef {{ n: number, left: number, brier: number, calibrationError: number, bins: import('./calibration.js').Bin[] }} Calibration
 * @typedef {{
 *   accountId: string, leftOn: string, mrrMinor: number, currency: string, lastScore: number | null,
 *   drivers: import('./health.js').Driver[],
 * }} Missed
 * @typedef {{
 *   from: string, to: string, raises: Record, naive: Record, missed: { accounts: number, items: Missed[] },
 *   calibration: { learned: Calibration | null, score: Calibration | null },
 * }} Assessment
 */

/** @typedef {{ version: number, createdBy: string, activatedAt: string | null }} Configuration */

const url = '/v1/customer-success/churn-risk/assessment'
const configurations = '/v1/customer-success/health/configurations'

/** How past warnings turned out. @returns {import('./customers.js').View} */
export function riskView() {
  return {
    what: 'churn-risk assessment',
    // Of half a year: no single change is worth reading it all again.
    concerns: () => false,
    keys: {},
    async refresh() {
      /** @type {[Assessment, { items: Configuration[] }, { asOf: string | null }]} */
      const [assessment, { items }, { asOf }] = await Promise.all([
        read(url),
        read(configurations),
        read('/v1/reporting/book'),
      ])
      const { from, to, raises, naive, missed, calibration } = assessment
      byId('headline').textContent = headlineOf(raises, missed.accounts)
      byId('counts').replaceChildren(
        figure('a', url, 'accounts that left', `${plural(raises.coverage.n, 'account')} left`),
        element('span', {}, `${dayName(from)} to ${dayName(to)}`),
        element('a', { href: `${url}?table=missed&format=csv`, download: 'missed.csv' }, 'CSV'),
      )
      document.title = 'Churn risk · Plimsoll'
      byId('assessment').replaceChildren(
        part(
          'Warnings',
          'right: the account left within 60 days',
          recordTable(raises, naive),
          ...(isAsShipped(items) ? [fitAdvice()] : []),
        ),
        part('Probabilities', 'predicted against what happened', calibrations(calibration)),
        part('Left without a warning', 'most revenue first', missedTable(missed, raises.coverage.n)),
      )
      byId('assessment').hidden = false
      return asOf
    },
  }
}

/** @param {Record} raises @param {number} missed */
function headlineOf({ precision, coverage }, missed) {
  if (precision.n + coverage.n === 0) return 'No warning has turned out yet'
  const right = `${number(precision.successes)} of ${plural(precision.n, 'warning')} came true`
  return `${right}; ${number(missed)} of ${number(coverage.n)} that left had none`
}

/** Whether the version that scores, the one activated last, is the one Plimsoll comes with. @param {Configuration[]} all */
function isAsShipped(all) {
  const [scoring] = all.toSorted((a, b) => (b.activatedAt ?? '').localeCompare(a.activatedAt ?? ''))
  return scoring?.createdBy === 'plimsoll'
}

const fitAdvice = () =>
  element(
    'p',
    {},
    'Health is scored as shipped, and seldom falls below 40. Once fifty accounts have left it can be fitted to them: ',
    element('code', {}, `POST ${configurations}/fit`),
    ' gives a version with its back-test, to be activated.',
  )

/** @param {string} title @param {string} hint @param {HTMLElement[]} content */
const part = (title, hint, ...content) =>
  element(
    'section.part',
    {},
    element('div.section-head', {}, element('h2', {}, title), element('p.hint', {}, hint)),
    ...content,
  )

/** @param {Record} raises @param {Record} naive */
function recordTable(raises, naive) {
  /** @type {readonly (readonly [string, Record])[]} */
  const rules = [
    ['Plimsoll', raises],
    ['Score below 40', naive],
  ]
  return table(
    ['Rule', 'raised', 'open', 'came true', 'warned of who left'],
    rules.map(([name, { raised, open, precision, coverage }]) => [
      name,
      number(raised),
      number(open),
      rateText(precision),
      rateText(coverage),
    ]),
  )
}

/** @param {Proportion} share */
function rateText({ rate, n, interval: { low, high } }) {
  return rate === null ? '–' : `${percent(rate)} of ${number(n)} (${percent(low)} to ${percent(high)})`
}

/** @param {Assessment['calibration']} calibration */
function calibrations({ learned, score }) {
  const told = [
    { name: 'Learned', id: 'learned', of: learned, why: 'no model has scored days whose outcome is known.' },
    {
      name: 'By score',
      id: 'by-score',
      of: score,
      why: 'what a score stands for is not known yet: nobody left before.',
    },
  ]
  return element(
    'div.plots',
    {},
    ...told.map(({ name, id, of, why }) =>
      element(
        'figure',
        {},
        of === null
          ? element('p.quiet', {}, `${name}: ${why}`)
          : toElement(calibrationPicture(of.bins, { title: `${name}: predicted and observed churn`, id })),
        ...(of === null
          ? []
          : [
              element(
                'figcaption.facts-line',
                {},
                element('span', {}, name),
                figure('a', url, 'calibration', calibrationText(of)),
              ),
            ]),
      ),
    ),
  )
}

/** @param {Calibration} calibration */
const calibrationText = ({ n, left, brier, calibrationError }) =>
  `${number(left)} of ${number(n)} left; off by ${percent(calibrationError)} on average, Brier ${number(brier)}`

/** @param {Assessment['missed']} missed @param {number} left accounts that did */
function missedTable({ items }, left) {
  if (items.length === 0)
    return element('p.quiet', {}, left === 0 ? 'Nobody left.' : 'Everybody who left had been warned of.')
  return table(
    ['Account', 'left', 'last score', 'revenue a month', 'what had moved it'],
    items.map(({ accountId, leftOn, lastScore, mrrMinor, currency, drivers }) => [
      element('a', { href: `/customers?${query({ account: accountId })}` }, accountId),
      dayName(leftOn),
      scoreText(lastScore),
      mrrMinor === 0 ? '–' : money(mrrMinor, currency),
      withArrows(drivers.find(({ points }) => points < 0)?.text ?? '–'),
    ]),
    ['what had moved it'],
  )
}
