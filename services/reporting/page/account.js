// @ts-check
import { byId, element, showList } from './dom.js'
import { clockTime, dayName, money, number, quantity, signed, withArrows } from './format.js'
import { orError, read } from './frame.js'
import { accountQuery, scoreText, standingBadge } from './health.js'
import { historyPicture } from './history.js'
import { ago, figure } from './parts.js'
import { toElement } from './svg.js'

/**
 * @typedef {import('./health.js').Driver} Driver
 * @typedef {{ at: string, metric: string, before: number | null, after: number | null, reached: boolean }} Outcome
 * @typedef {{
 *   actionId: string, playbook: string, mode: string | null, arm: string, triggeredAt: string, reason: string,
 *   outcome: Outcome | null,
 * }} Action
 * @typedef {{ at: string, kind: string, text: string }} Entry
 * @typedef {import('./health.js').Account & { actions: Action[], timeline: Entry[] }} Account
 */

const historyDays = 180

/** @typedef {{ day: string, score: number | null }} Score */
/** @typedef {{ change: number | null, from: { day: string }, lines: Driver[] }} Explanation */
/** A section and what it was built from: it is left alone while that stays the same. @typedef {{ key: string, of: unknown, build: () => HTMLElement }} Part */

/** One account: its score and why, what was done, and its story. @param {string} id @returns {import('./customers.js').View} */
export function accountView(id) {
  /** @param {string} rest */
  const healthUrl = (rest) => `/v1/customer-success/accounts/${encodeURIComponent(id)}/health${rest}`
  const historyUrl = healthUrl(`/history?limit=${historyDays}`)
  const explainUrl = healthUrl('/explain')
  const toldUrl = `/v1/customer-success/accounts/${encodeURIComponent(id)}/timeline`
  return {
    what: `account ${id}`,
    concerns: (change) => change.id === id,
    keys: {},
    async refresh() {
      /** @type {[Account, { asOf: string | null }, { items: Score[] } | Error, Explanation | Error, { items: Entry[] } | Error]} */
      const [account, { asOf }, history, explanation, told] = await Promise.all([
        read(accountQuery(id)),
        read('/v1/reporting/book'),
        orError(read(historyUrl)),
        orError(read(explainUrl)),
        orError(read(toldUrl)),
      ])
      showHeadline(account, healthUrl(''))
      showParts('account-health', [
        ...riskPart(account),
        historyPart(account, history, historyUrl),
        driversPart(account, explanation, explainUrl),
      ])
      showParts('account-story', [...lagPart(account), actionsPart(account), timelinePart(account, told)])
      byId('account').hidden = false
      return asOf
    },
  }
}

/** @param {string} column @param {readonly Part[]} parts */
const showParts = (column, parts) =>
  showList(
    byId(column),
    parts,
    ({ key }) => key,
    ({ build }) => build(),
  )

/** @param {Account} account @param {string} behind the query behind its figures */
function showHeadline(account, behind) {
  const { accountId, name, plan, segment, health } = account
  const called = name || accountId
  document.title = `${called} · Plimsoll`
  byId('headline').replaceChildren(called, ' ', standingBadge(account))
  byId('counts').replaceChildren(
    ...[called === accountId ? '' : accountId, plan, segment].filter(Boolean).map((text) => element('span', {}, text)),
    ...(health === null
      ? [element('span', {}, 'No score yet: the first comes when a day with its usage is over.')]
      : [
          figure('a', behind, 'health', `health ${scoreText(health.score)}`),
          figure('a', behind, 'change in 7 days', `${signed(health.trend7)} in 7 days`),
          figure('a', behind, 'change in 28 days', `${signed(health.trend28)} in 28 days`),
          figure('a', behind, 'confidence', `${number(Math.round(health.confidence * 100))}\u00a0% confident`),
          ...(health.provisional ? [element('span', {}, 'provisional: too little is known to raise a risk')] : []),
          ...(health.churnProbability === null
            ? []
            : [
                figure('a', behind, 'churn probability', `leaves with ${quantity(health.churnProbability * 100, '%')}`),
              ]),
        ]),
  )
}

/** @param {string} title @param {string} hint @param {...(Node | undefined)} children */
const section = (title, hint, ...children) =>
  element(
    'section.part',
    {},
    element('div.section-head', {}, element('h2', {}, title), element('p.hint', {}, hint)),
    ...children,
  )

/** @param {Account} account @returns {Part[]} */
function riskPart({ accountId, risk }) {
  if (risk === null) return []
  const { reason, raisedAt, mrrMinor, currency, trigger } = risk
  const build = () =>
    element(
      'section.card.confirmed.part',
      { 'aria-label': 'Open risk' },
      element('p.reason', {}, withArrows(reason)),
      element(
        'p.facts-line',
        {},
        element('span', {}, 'raised ', ago(raisedAt)),
        mrrMinor === 0
          ? undefined
          : figure('a', accountQuery(accountId), 'revenue', `${money(mrrMinor, currency)} a month`),
        element('span', {}, `by ${trigger.replace('_', ' ')}`),
      ),
    )
  return [{ key: 'risk', of: risk, build }]
}

/** @param {Account} account @param {{ items: Score[] } | Error} history newest first @param {string} url @returns {Part} */
function historyPart({ accountId, risk }, history, url) {
  if (history instanceof Error) return excuse('history', 'Health', history.message)
  // Of a day that was corrected, its newest revision comes first.
  const newest = new Map(history.items.toReversed().map(({ day, score }) => [Date.parse(day), score]))
  const points = [...newest].map(([at, value]) => ({ at, value }))
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined || first === last) {
    return excuse('history', 'Health', 'There are fewer than two days of it.')
  }
  const build = () => {
    const drawn = historyPicture([{ name: 'health', points }], {
      title: `${accountId}: health from ${dayName(first.at)} to ${dayName(last.at)}`,
      unit: '',
      id: 'health-history',
      onsetAt: risk === null ? null : Date.parse(risk.raisedAt),
      onsetName: 'risk raised',
      reference: null,
      timeName: dayName,
      width: Math.min(640, document.documentElement.clientWidth - 60),
    })
    return section(
      'Health',
      'day by day, 0 to 100',
      element('div.history-box', {}, toElement(drawn)),
      element('p.origin', {}, element('a', { href: url }, 'Open this history as JSON')),
    )
  }
  return { key: 'history', of: [points, risk?.raisedAt], build }
}

/**
 * Over 28 days, or of an account that has no score so long ago, as it was told last: of a week, or since it was told before.
 * @param {Account} account @param {Explanation | Error} explanation @param {string} url @returns {Part}
 */
function driversPart({ health }, explanation, url) {
  const title = 'Why it moved'
  if (!(explanation instanceof Error)) {
    const { change, from, lines } = explanation
    const build = () =>
      section(
        title,
        `${signed(change)} points since ${dayName(from.day)}`,
        driverTable(lines),
        element('p.origin', {}, element('a', { href: url }, 'Open this explanation as JSON')),
      )
    return { key: 'drivers', of: explanation, build }
  }
  if (health === null || health.drivers.length === 0) return excuse('drivers', title, explanation.message)
  const { drivers } = health
  return { key: 'drivers', of: drivers, build: () => section(title, 'of late', driverTable(drivers)) }
}

/** @param {string} key @param {string} title @param {string} why @returns {Part} */
const excuse = (key, title, why) => ({ key, of: why, build: () => section(title, '', element('p.quiet', {}, why)) })

/** @param {readonly Driver[]} drivers largest first; their points add up to the change. What rounds to 0 is left out. */
function driverTable(drivers) {
  const heads = ['Driver', 'before', 'now', 'points']
  /** @param {number | null} value */
  const cell = (value) => element('td', {}, value === null ? '–' : number(value))
  return element(
    'div.scroll',
    {},
    element(
      'table.drivers',
      {},
      element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
      element(
        'tbody',
        {},
        ...toldOf(drivers).map(({ component, before, after, points, text }) =>
          element(
            'tr',
            {},
            element(
              'th',
              { scope: 'row' },
              element('span.text', {}, withArrows(text)),
              element('span.interval', {}, component),
            ),
            cell(before),
            cell(after),
            element('td', {}, signed(points)),
          ),
        ),
      ),
    ),
  )
}

/** @param {readonly Driver[]} drivers */
const toldOf = (drivers) => drivers.filter(({ points }) => signed(points) !== '0')

/** @param {Account} account @returns {Part[]} */
function lagPart({ lag }) {
  if (lag === null) return []
  const share = (/** @type {number} */ part) => quantity(Math.round(part * 100), '%')
  const build = () =>
    section(
      'Not used yet',
      `used ${share(lag.breadth)} of the core features; accounts like it use ${share(lag.expected)}`,
      element('ul.tags', {}, ...lag.missing.map((feature) => element('li', {}, feature))),
    )
  return [{ key: 'lag', of: lag, build }]
}

/** @param {Account} account @returns {Part} */
function actionsPart({ actions }) {
  const open = actions.filter(({ outcome, arm }) => outcome === null && arm === 'treated').length
  const build = () =>
    section(
      'Actions',
      open === 0 ? 'none is open' : `${number(open)} open`,
      actions.length === 0
        ? element('p.quiet', {}, 'Nothing has been done about this account.')
        : element('ol.rows', { id: 'actions' }, ...actions.map(actionRow)),
    )
  return { key: 'actions', of: actions, build }
}

/** @param {Action} action */
function actionRow({ playbook, arm, mode, triggeredAt, reason, outcome }) {
  const kind = arm === 'treated' ? (mode ?? '') : `${arm}, not contacted`
  return element(
    'li.entry',
    {},
    element('p.name', {}, playbook, element('span.tag', {}, kind)),
    element('p.sub', {}, withArrows(reason)),
    element('p.sub', {}, outcome === null ? 'open since ' : `${outcomeText(outcome)} · started `, ago(triggeredAt)),
  )
}

/** @param {Outcome} outcome */
const outcomeText = ({ metric, before, after, reached }) =>
  `${reached ? 'goal reached' : 'goal missed'}: ${metric} ${quantity(before, '')} → ${quantity(after, '')}`

/** What customer-success tells of a fact is its value alone. @type {Readonly<Record<string, (value: string) => string>>} */
const factTexts = {
  ticket: (severity) => `Ticket opened, ${severity} severity`,
  ticket_resolved: (satisfaction) =>
    satisfaction === '' ? 'Ticket resolved' : `Ticket resolved, ${satisfaction} of 5`,
  invoice: (statusAndAmount) => `Invoice ${statusAndAmount}`,
  nps: (score) => `Would recommend it: ${score} of 10`,
  subscription: (statusAndPlan) => `Contract ${statusAndPlan}`,
}

/**
 * What was found out about it and done, among what it did itself: tickets, invoices, answers.
 * @param {Account} account @param {{ items: Entry[] } | Error} told @returns {Part}
 */
function timelinePart({ timeline }, told) {
  const entries = [...timeline, ...(told instanceof Error ? [] : told.items)]
  entries.sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
  const rows = () =>
    entries.map(({ at, kind, text }) =>
      element(
        'li.entry',
        {},
        element('p', {}, factTexts[kind]?.(text) ?? withArrows(text)),
        element(
          'p.sub',
          {},
          `${kind.replace(/[-_]/, ' ')} · `,
          element('time', { datetime: at, title: at }, clockTime(at)),
        ),
      ),
    )
  const build = () => section('Timeline', 'newest first', element('ol.rows', { id: 'timeline' }, ...rows()))
  return { key: 'timeline', of: entries, build }
}
