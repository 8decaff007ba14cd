// @ts-check
import { byId, element } from './dom.js'
import { number, plural } from './format.js'
import { openFrame, read } from './frame.js'
import { focusFirst } from './keyboard.js'
import { figure, stateName } from './parts.js'
import { showOpen, showRecent } from './regressions.js'
import { showServices } from './services.js'
import { showSnippets, showSources } from './sources.js'

const sourcesEveryMs = 5_000

/** @typedef {{ asOf: string | null, lagSeconds: number | null, counts: Record<string, number>, services: import('./services.js').Service[] }} Overview */

async function refreshFacts() {
  /** @type {[Overview, { open: import('./regressions.js').Regression[], recent: import('./regressions.js').Regression[] }]} */
  const [overview, regressions] = await Promise.all([
    read('/v1/reporting/overview'),
    read('/v1/reporting/regressions?recent=20'),
  ])
  const known = overview.services.length > 0
  byId('connect').hidden = connected ?? known
  byId('facts').hidden = !known
  showHeadline(overview)
  showServices(byId('services'), overview.services, read)
  showOpen(byId('open'), regressions.open, read)
  byId('open-none').hidden = regressions.open.length > 0
  showRecent(byId('recent'), regressions.recent, read)
  byId('recent-section').hidden = regressions.recent.length === 0
  return overview.asOf
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

/** Whether anybody but Plimsoll itself sends telemetry; undefined while that is not known. @type {boolean | undefined} */
let connected

/** Product usage and facts about accounts are for the customers' page: no service is learned from them. @param {any} source */
const sendsTelemetry = ({ protocol, samples, histograms, spans }) =>
  protocol !== 'self-scrape' && samples + histograms + spans > 0

async function refreshSources() {
  try {
    const { items, pulls } = await read('/v1/gateway/sources')
    connected = pulls.length > 0 || items.some(sendsTelemetry)
    byId('sources-section').hidden = items.length + pulls.length === 0
    byId('connect-more').hidden = !connected
    showSources(byId('sources'), items, pulls)
  } catch (error) {
    byId('sources').replaceChildren(
      element('li.quiet', {}, `The sources could not be read: ${/** @type {Error} */ (error).message}`),
    )
  }
}

/** @param {import('./frame.js').Change} change */
function onChange({ kind, state, service, method, endpoint }) {
  if (kind === 'regression') byId('announce').textContent = `${stateName(state)}: ${service} ${method} ${endpoint}`
  return true
}

for (const box of document.querySelectorAll('.snippets')) showSnippets(/** @type {HTMLElement} */ (box))

const { refresh, goLive } = openFrame({
  what: 'overview',
  kinds: ['baseline', 'regression'],
  refresh: refreshFacts,
  onChange,
  keys: {
    gs: () => focusFirst('#services'),
    gr: () => focusFirst('#open'),
    gc: () => location.assign('/customers'),
  },
})
await Promise.all([refreshSources().then(refresh), refresh()])
goLive()
setInterval(refreshSources, sourcesEveryMs)
