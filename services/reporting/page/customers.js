// @ts-check
import { accountView } from './account.js'
import { adoptionView } from './adoption.js'
import { bookView } from './book.js'
import { byId } from './dom.js'
import { openFrame } from './frame.js'
import { focusFirst } from './keyboard.js'
import { playbooksView } from './playbooks.js'
import { riskView } from './risk.js'

/**
 * One page of several views: the book of accounts, with `?account=` one of them, with `?view=` risk, adoption or playbooks.
 *
 * @typedef {{
 *   what: string,
 *   refresh: () => Promise<string | null>,
 *   concerns: (change: import('./frame.js').Change) => boolean,
 *   keys: Readonly<Record<string, () => void>>,
 * }} View
 */

const changeNames = /** @type {Record<string, string>} */ ({
  ChurnRiskRaised: 'Churn risk raised',
  ChurnRiskCleared: 'Churn risk cleared',
})

const address = new URLSearchParams(location.search)
const accountId = address.get('account')
const viewName = address.get('view')
const isBook = accountId === null && viewName === null
const view = chosenView()
const section = viewName === null ? '/customers' : `/customers?view=${viewName}`
document.querySelector(`#views a[href="${CSS.escape(section)}"]`)?.setAttribute('aria-current', 'true')

/** @returns {View} */
function chosenView() {
  if (accountId !== null) return accountView(accountId)
  switch (viewName) {
    case 'risk':
      return riskView()
    case 'adoption':
      return adoptionView()
    case 'playbooks':
      return playbooksView()
    default:
      return bookView(() => refresh())
  }
}

/** @param {import('./frame.js').Change} change */
function onChange(change) {
  const { id, state } = change
  if (!view.concerns(change)) return false
  const name = changeNames[state]
  if (name !== undefined) byId('announce').textContent = `${name}: ${id}`
  return true
}

const { refresh, goLive } = openFrame({
  what: view.what,
  kinds: ['account'],
  refresh: view.refresh,
  onChange,
  keys: {
    gs: () => location.assign('/'),
    ga: () => (isBook ? focusFirst('#accounts') : location.assign('/customers')),
    ...view.keys,
  },
})
await refresh()
goLive()
