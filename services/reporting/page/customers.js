// @ts-check
import { accountView } from './account.js'
import { bookView } from './book.js'
import { byId } from './dom.js'
import { openFrame } from './frame.js'
import { focusFirst } from './keyboard.js'

/**
 * One page of two views: the book of accounts, or with `?account=` one of them.
 *
 * @typedef {{
 *   what: string,
 *   refresh: () => Promise<string | null>,
 *   concerns: (accountId: string) => boolean,
 *   keys: Readonly<Record<string, () => void>>,
 * }} View
 */

const changeNames = /** @type {Record<string, string>} */ ({
  ChurnRiskRaised: 'Churn risk raised',
  ChurnRiskCleared: 'Churn risk cleared',
})

const accountId = new URLSearchParams(location.search).get('account')
const view = accountId === null ? bookView(() => refresh()) : accountView(accountId)

/** @param {import('./frame.js').Change} change */
function onChange({ kind, id, state }) {
  if (kind !== 'account' || !view.concerns(id)) return false
  const name = changeNames[state]
  if (name !== undefined) byId('announce').textContent = `${name}: ${id}`
  return true
}

const { refresh, goLive } = openFrame({
  what: view.what,
  refresh: view.refresh,
  onChange,
  keys: {
    gs: () => location.assign('/'),
    ga: () => (accountId === null ? focusFirst('#accounts') : location.assign('/customers')),
    ...view.keys,
  },
})
await refresh()
goLive()
