// @ts-check
import { byId } from './dom.js'
import { clockTime, duration } from './format.js'
import { installKeys } from './keyboard.js'
import { listen } from './live.js'
import { refreshTimes } from './parts.js'

/** What every page has around its facts: signing in, whether it is live, the theme, the keys. */

/** A burst of changes is read once. */
const settleMs = 40

/** Credentials of an installation that asks for them; gone with the tab. */
const authorization = () => {
  const key = sessionStorage.getItem('key')
  return /** @type {Record<string, string>} */ (key === null ? {} : { authorization: `Bearer ${key}` })
}

/** @param {string} url @returns {Promise<any>} */
export async function read(url) {
  // omit: the key is sent by us, and a 401 must not make the browser ask for a password of its own.
  const response = await fetch(url, {
    credentials: 'omit',
    headers: { accept: 'application/json', ...authorization() },
  })
  if (response.status === 401) byId('sign-in').hidden = false
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}))
    const message = problem.detail ?? problem.title ?? `The server answered ${response.status}.`
    throw Object.assign(new Error(message), { status: response.status })
  }
  return response.json()
}

/** What another service does not answer leaves out its part, not the page. @param {Promise<any>} reading @returns {Promise<any>} */
export const orError = (reading) => reading.catch((/** @type {Error} */ error) => error)

/** @typedef {{ kind: string, id: string, state: string, time: string } & Record<string, string>} Change of the feed */

/**
 * @param {{
 *   what: string,
 *   kinds: readonly string[],
 *   refresh: () => Promise<string | null>,
 *   onChange: (change: Change) => boolean,
 *   keys: Readonly<Record<string, () => void>>,
 * }} page
 *   `refresh` reads and shows what the page is about, which `what` names, and returns the event time of its newest fact;
 *   `kinds` are those of the changes that are about it, and `onChange` says whether one asks for a refresh; `keys` are
 *   the page's own, see `installKeys`
 * @returns {{ refresh: () => Promise<void>, goLive: () => void }}
 */
export function openFrame({ what, kinds, refresh, onChange, keys }) {
  /** @type {'connecting' | 'live' | 'broken'} */
  let connection = 'connecting'
  /** @type {string | null} */
  let asOf = null
  /** When the stream broke, ms since the epoch. */
  let brokenAt = 0
  let settling = false
  let failed = false

  /** @param {'live' | 'broken'} state */
  const onState = (state) => {
    if (state === 'broken' && connection !== 'broken') brokenAt = Date.now()
    connection = state
    showLive()
  }

  const showLive = () => {
    byId('live').dataset.state = connection
    byId('live-text').textContent = liveText()
  }

  const liveText = () => {
    if (!byId('sign-in').hidden) return 'Signed out'
    if (connection === 'connecting') return 'Connecting'
    if (connection === 'broken') return `Stale since ${clockTime(brokenAt)}, reconnecting`
    if (asOf === null) return 'Live'
    const lag = Date.now() - Date.parse(asOf)
    return `Live · newest fact ${clockTime(asOf)}${lag > 0 ? `, ${duration(lag)} ago` : ''}`
  }

  const refreshOrSay = async () => {
    try {
      asOf = await refresh()
      failed = false
      byId('sign-in').hidden = true
      byId('notice').hidden = true
      showLive()
    } catch (error) {
      failed = true
      const { message, status } = /** @type {Error & { status?: number }} */ (error)
      // Of what there is not yet, the answer says when there will be: nothing has gone wrong.
      const isNothingYet = status === 404
      if (isNothingYet) byId('headline').textContent = message
      const notice = byId('notice')
      notice.hidden = isNothingYet || !byId('sign-in').hidden
      notice.textContent = `The ${what} could not be read: ${message.replace(/\.$/, '')}. Trying again when something changes.`
    }
  }

  const refreshSoon = () => {
    if (settling) return
    settling = true
    setTimeout(async () => {
      settling = false
      await refreshOrSay()
    }, settleMs)
  }

  /** @param {import('./eventstream.js').StreamEvent} event */
  const onEvent = ({ event, data }) => {
    if (event !== 'change') return refreshSoon()
    /** @type {Change} */
    const change = JSON.parse(data)
    if (!kinds.includes(change.kind)) return
    // Of what the page does not show it need not read anything to know how far the facts have come.
    if (asOf === null || change.time > asOf) asOf = change.time
    if (onChange(change) || failed) refreshSoon()
  }

  const openHelp = () => /** @type {HTMLDialogElement} */ (byId('help')).showModal()

  byId('theme').addEventListener('click', toggleTheme)
  byId('help-open').addEventListener('click', openHelp)
  byId('sign-in').addEventListener('submit', (event) => {
    event.preventDefault()
    sessionStorage.setItem('key', /** @type {HTMLInputElement} */ (byId('key')).value)
    location.reload()
  })
  showTheme()
  installKeys({ t: toggleTheme, '?': openHelp, ...keys })

  return {
    refresh: refreshOrSay,
    goLive() {
      listen('/v1/reporting/events', { headers: authorization, onEvent, onState })
      setInterval(() => {
        refreshTimes()
        showLive()
      }, 1_000)
    },
  }
}

const themes = ['system', 'dark', 'light']

function showTheme() {
  const theme = document.documentElement.dataset.theme ?? 'system'
  byId('theme').textContent = `Theme: ${theme}`
}

function toggleTheme() {
  const now = document.documentElement.dataset.theme ?? 'system'
  const next = themes[(themes.indexOf(now) + 1) % themes.length] ?? 'system'
  if (next === 'system') {
    delete document.documentElement.dataset.theme
    localStorage.removeItem('theme')
  } else {
    document.documentElement.dataset.theme = next
    localStorage.setItem('theme', next)
  }
  showTheme()
}
