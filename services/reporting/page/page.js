// @ts-check
import { byId, element } from './dom.js'
import { clockTime, duration, number, plural } from './format.js'
import { installKeys } from './keyboard.js'
import { listen } from './live.js'
import { figure, refreshTimes, stateName } from './parts.js'
import { showOpen, showRecent } from './regressions.js'
import { showServices } from './services.js'
import { showSnippets, showSources } from './sources.js'

const sourcesEveryMs = 5_000
/** A burst of changes is read once. */
const settleMs = 40

/** Credentials of an installation that asks for them; gone with the tab. */
const authorization = () => {
  const key = sessionStorage.getItem('key')
  return /** @type {Record<string, string>} */ (key === null ? {} : { authorization: `Bearer ${key}` })
}

/** @param {string} url @returns {Promise<any>} */
async function read(url) {
  // omit: the key is sent by us, and a 401 must not make the browser ask for a password of its own.
  const response = await fetch(url, {
    credentials: 'omit',
    headers: { accept: 'application/json', ...authorization() },
  })
  if (response.status === 401) byId('sign-in').hidden = false
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}))
    throw new Error(problem.detail ?? problem.title ?? `the server answered ${response.status}`)
  }
  return response.json()
}

/** @typedef {{ asOf: string | null, lagSeconds: number | null, counts: Record<string, number>, services: import('./services.js').Service[] }} Overview */

async function refreshFacts() {
  /** @type {[Overview, { open: import('./regressions.js').Regression[], recent: import('./regressions.js').Regression[] }]} */
  const [overview, regressions] = await Promise.all([
    read('/v1/reporting/overview'),
    read('/v1/reporting/regressions?recent=20'),
  ])
  const known = overview.services.length > 0
  byId('sign-in').hidden = true
  byId('notice').hidden = true
  byId('connect').hidden = connected ?? known
  byId('facts').hidden = !known
  showHeadline(overview)
  showServices(byId('services'), overview.services, read)
  showOpen(byId('open'), regressions.open, read)
  byId('open-none').hidden = regressions.open.length > 0
  showRecent(byId('recent'), regressions.recent, read)
  byId('recent-section').hidden = regressions.recent.length === 0
  asOf = overview.asOf
  showLive()
}

/** @param {Overview} overview */
function showHeadline({ counts, services }) {
  const { confirmed = 0, suspected = 0, baselines = 0, firmBaselines = 0, resolvedLastDay = 0 } = counts
  const worse = services.filter(({ state }) => state === 'confirmed').length
  const maybe = services.filter(({ state }) => state === 'suspected').length
  byId('headline').textContent = headlineOf(services.length, worse, maybe)
  document.title = confirmed + suspected > 0 ? `(${confirmed + suspected}) Plimsoll` : 'Plimsoll'
  const regressions = '/v1/reporting/regressions'
  const overview = '/v1/reporting/overview'
  byId('counts').replaceChildren(
    ...(services.length === 0
      ? []
      : [
          figure('a', overview, 'services', plural(services.length, 'service')),
          figure(
            'a',
            regressions,
            'open regressions',
            `${number(confirmed)} confirmed, ${number(suspected)} suspected`,
          ),
          figure('a', regressions, 'closed', `${number(resolvedLastDay)} resolved in 24 h`),
          figure(
            'a',
            '/v1/performance/baselines',
            'baselines',
            `${plural(baselines, 'baseline')}, ${number(firmBaselines)} firm`,
          ),
        ]),
  )
}

/** The state of everything in one sentence. @param {number} services @param {number} worse @param {number} maybe */
function headlineOf(services, worse, maybe) {
  if (services === 0) return connected ? 'Telemetry arrives. Learning what is normal.' : 'Waiting for telemetry'
  if (worse > 0) return `${plural(worse, 'service is', 'services are')} worse than normal`
  if (maybe > 0) return `${plural(maybe, 'service', 'services')} may be worse than normal`
  return services === 1 ? 'The one service is as normal' : `All ${number(services)} services are as normal`
}

/** Whether anybody but Plimsoll itself sends something; undefined while that is not known. @type {boolean | undefined} */
let connected

async function refreshSources() {
  try {
    const { items, pulls } = await read('/v1/gateway/sources')
    connected = pulls.length > 0 || items.some((/** @type {any} */ { protocol }) => protocol !== 'self-scrape')
    byId('sources-section').hidden = items.length + pulls.length === 0
    byId('connect-more').hidden = !connected
    showSources(byId('sources'), items, pulls)
  } catch (error) {
    byId('sources').replaceChildren(
      element('li.quiet', {}, `The sources could not be read: ${/** @type {Error} */ (error).message}`),
    )
  }
}

/** @type {'connecting' | 'live' | 'broken'} */
let connection = 'connecting'
/** @type {string | null} */
let asOf = null
/** When the stream broke, ms since the epoch. */
let brokenAt = 0

/** @param {'live' | 'broken'} state */
function onConnection(state) {
  if (state === 'broken' && connection !== 'broken') brokenAt = Date.now()
  connection = state
  showLive()
}

function showLive() {
  byId('live').dataset.state = connection
  byId('live-text').textContent = liveText()
}

function liveText() {
  if (!byId('sign-in').hidden) return 'Signed out'
  if (connection === 'connecting') return 'Connecting'
  if (connection === 'broken') return `Stale since ${clockTime(brokenAt)}, reconnecting`
  if (asOf === null) return 'Live'
  const lag = Date.now() - Date.parse(asOf)
  return `Live · newest fact ${clockTime(asOf)}${lag > 0 ? `, ${duration(lag)} ago` : ''}`
}

let settling = false

function refreshSoon() {
  if (settling) return
  settling = true
  setTimeout(async () => {
    settling = false
    await refreshOrSay()
  }, settleMs)
}

async function refreshOrSay() {
  try {
    await refreshFacts()
  } catch (error) {
    const notice = byId('notice')
    notice.hidden = !byId('sign-in').hidden
    notice.textContent = `The overview could not be read: ${/** @type {Error} */ (error).message}. Trying again when something changes.`
  }
}

/** @param {import('./eventstream.js').StreamEvent} event */
function onEvent({ event, data }) {
  refreshSoon()
  if (event !== 'change') return
  const { kind, state, service, method, endpoint } = JSON.parse(data)
  if (kind === 'regression') byId('announce').textContent = `${stateName(state)}: ${service} ${method} ${endpoint}`
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

const openHelp = () => /** @type {HTMLDialogElement} */ (byId('help')).showModal()

byId('theme').addEventListener('click', toggleTheme)
byId('help-open').addEventListener('click', openHelp)
byId('sign-in').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem('key', /** @type {HTMLInputElement} */ (byId('key')).value)
  location.reload()
})
for (const box of document.querySelectorAll('.snippets')) showSnippets(/** @type {HTMLElement} */ (box))
showTheme()
installKeys({ toggleTheme, openHelp })

await Promise.all([refreshSources().then(refreshOrSay), refreshOrSay()])
listen('/v1/reporting/events', { headers: authorization, onEvent, onState: onConnection })
setInterval(refreshSources, sourcesEveryMs)
setInterval(() => {
  refreshTimes()
  showLive()
}, 1_000)
