// @ts-check
import { byId, element, showList } from './dom.js'
import { money, number, plural, signed, withArrows } from './format.js'
import { read } from './frame.js'
import { accountQuery, scoreText, standing } from './health.js'
import { focusFirst } from './keyboard.js'
import { figure, query, stateMark } from './parts.js'

/**
 * @typedef {import('./health.js').Account & { openActions: number }} Line
 * @typedef {{
 *   asOf: string | null, accounts: number, bands: Record<string, number>, openRisks: number,
 *   segments: { segment: string, accounts: number }[],
 *   mrrAtRisk: { currency: string, minor: number }[],
 * }} Book
 */

const pageSize = 50
/** The most the server gives at once, and more than anybody reads. */
const most = 500

/** The book of accounts, worst first. @param {() => void} refresh reads it again @returns {import('./customers.js').View} */
export function bookView(refresh) {
  let wanted = pageSize
  const filter = /** @type {HTMLFormElement} */ (byId('filter'))
  restore(filter)
  filter.addEventListener('submit', (event) => {
    event.preventDefault()
    focusFirst('#accounts')
  })
  filter.addEventListener('input', () => {
    wanted = pageSize
    const chosen = filterOf(filter)
    history.replaceState(null, '', chosen === '' ? '/customers' : `/customers?${chosen}`)
    refresh()
  })
  byId('more').addEventListener('click', () => {
    wanted = Math.min(most, wanted + pageSize)
    refresh()
  })

  return {
    what: 'book of accounts',
    concerns: () => true,
    keys: { '/': () => byId('search').focus() },
    async refresh() {
      const chosen = filterOf(filter)
      const limit = `limit=${wanted}`
      /** @type {[Book, { items: Line[], next: string | null }]} */
      const [book, accounts] = await Promise.all([
        read('/v1/reporting/book'),
        read(`/v1/reporting/accounts?${chosen === '' ? limit : `${chosen}&${limit}`}`),
      ])
      // Typed on while this was read: the answer to that is on its way.
      if (chosen !== filterOf(filter)) return book.asOf
      byId('book').hidden = book.accounts === 0
      showHeadline(book)
      showSegments(book)
      showList(byId('accounts'), accounts.items, ({ accountId }) => accountId, row)
      byId('none').hidden = accounts.items.length > 0
      byId('more').hidden = accounts.next === null || wanted === most
      return book.asOf
    },
  }
}

/** @param {HTMLFormElement} filter @returns {string} what is chosen, as a query */
function filterOf(filter) {
  const given = [...new FormData(filter)].map(([name, value]) => [name, String(value).trim()])
  return query(Object.fromEntries(given.filter(([, value]) => value !== '')))
}

/** What was chosen before a reload, or in a link. @param {HTMLFormElement} filter */
function restore(filter) {
  const given = new URLSearchParams(location.search)
  const segment = given.get('segment')
  // Its list comes with the book.
  if (segment !== null) byId('segment').append(element('option', { value: segment }, segment))
  for (const name of ['search', 'band', 'segment']) {
    const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (filter.elements.namedItem(name))
    field.value = given.get(name) ?? ''
  }
  const risk = /** @type {HTMLInputElement} */ (filter.elements.namedItem('risk'))
  risk.checked = given.get('risk') === 'open'
}

/** Those there are to choose from; the one that is chosen stays. @param {Book} book */
function showSegments({ segments }) {
  const list = /** @type {HTMLSelectElement} */ (byId('segment'))
  const known = new Set([...list.options].map(({ value }) => value))
  for (const { segment } of segments) {
    if (!known.has(segment)) list.append(element('option', { value: segment }, segment))
  }
}

/** @param {Book} book */
function showHeadline({ accounts, bands, openRisks, mrrAtRisk }) {
  byId('headline').textContent = headlineOf(accounts, openRisks)
  document.title = openRisks > 0 ? `(${openRisks}) Customers · Plimsoll` : 'Customers · Plimsoll'
  const url = '/v1/reporting/book'
  const { healthy = 0, at_risk = 0, churn_risk = 0, unknown = 0 } = bands
  byId('counts').replaceChildren(
    ...(accounts === 0
      ? []
      : [
          figure('a', url, 'accounts', plural(accounts, 'account')),
          figure(
            'a',
            url,
            'by band',
            `${number(healthy)} healthy, ${number(at_risk)} at-risk, ${number(churn_risk)} churn-risk by score`,
          ),
          ...(unknown > 0 ? [figure('a', url, 'without a score', `${number(unknown)} unknown`)] : []),
          ...mrrAtRisk.map(({ currency, minor }) =>
            figure('a', url, 'revenue', `${money(minor, currency)} a month with open risks`),
          ),
        ]),
  )
}

/** @param {number} accounts @param {number} openRisks */
function headlineOf(accounts, openRisks) {
  if (accounts === 0) return 'No account has a score yet. The first come when a day with its usage is over.'
  if (openRisks > 0) return `${plural(openRisks, 'account has', 'accounts have')} an open risk of leaving`
  return 'No account has an open risk of leaving'
}

/** @param {Line} line */
function row(line) {
  const { accountId, name, health, risk, openActions } = line
  const { mark, text } = standing(line)
  const behind = accountQuery(accountId)
  return element(
    `li.row.account-row.${mark}`,
    {},
    element(
      'a.line',
      { href: `/customers?${query({ account: accountId })}`, 'data-line': true, 'data-focus': `account:${accountId}` },
      stateMark(mark),
      element(
        'span.who',
        {},
        element('span.name', {}, name || accountId),
        element('span.sub', {}, withArrows(risk?.reason ?? health?.drivers[0]?.text ?? text)),
      ),
      element('span.visually-hidden', {}, `, ${text}`),
    ),
    figure(
      'a.figure.shift',
      behind,
      'health',
      element('span.is', {}, scoreText(health?.score ?? null)),
      health?.provisional ? element('span.sub', {}, 'provisional') : undefined,
    ),
    figure('a.figure.trend', behind, 'in 7 days', signed(health?.trend7 ?? null)),
    figure(
      'a.figure.revenue',
      behind,
      'revenue a month with an open risk',
      risk === null || risk.mrrMinor === 0 ? '–' : money(risk.mrrMinor, risk.currency),
    ),
    figure('a.figure.actions', behind, 'open actions', openActions === 0 ? '–' : number(openActions)),
  )
}
