// @ts-check
import { element, showList } from './dom.js'
import { change, number, plural, quantity, seriesName } from './format.js'
import { disclosure, figure, query, stateMark, stateName } from './parts.js'

/**
 * @typedef {{ endpoint: string, method: string, metric: string, unit: string, before: number, after: number | null }} Headline
 * @typedef {{
 *   service: string, environment: string, state: string, confirmed: number, suspected: number, cost: number,
 *   throughput: number | null, errorRate: number | null, series: number, firm: number, headline: Headline | null,
 * }} Service
 */

/**
 * @param {HTMLElement} list
 * @param {readonly Service[]} services worst first, as served
 * @param {(url: string) => Promise<any>} read
 */
export function showServices(list, services, read) {
  const environments = new Set(services.map(({ environment }) => environment))
  showList(list, services, keyOf, (service) => row(service, environments.size > 1, read))
}

/** @param {Service} service */
const keyOf = ({ service, environment }) => `${environment}/${service}`

/** @param {Service} line @param {boolean} withEnvironment @param {(url: string) => Promise<any>} read */
function row(line, withEnvironment, read) {
  const { service, environment, state, headline, throughput, errorRate } = line
  const details = element('div.details', { id: `service-${keyOf(line)}` })
  const place = query({ service, environment })
  const baselines = `/v1/performance/baselines?${place}`
  return element(
    `li.row.${state}`,
    {},
    disclosure(
      `service:${keyOf(line)}`,
      details,
      () => fillDetails(details, line, read),
      stateMark(state),
      element(
        'span.who',
        {},
        element('span.name', {}, service || 'unnamed service'),
        element(
          'span.sub',
          {},
          headline === null ? 'no latency yet' : seriesName(headline),
          withEnvironment && environment ? ` · ${environment}` : '',
        ),
      ),
      element('span.visually-hidden', {}, `, ${stateName(state)}`),
    ),
    headline === null
      ? element('span.figure', {}, '–')
      : figure(
          'a.figure.shift',
          headline.after === null ? baselines : `/v1/performance/regressions?${place}`,
          headline.metric === 'latency' ? 'p95' : headline.metric.replace('_', ' '),
          ...shift(headline),
        ),
    figure('a.figure.rate', baselines, 'requests per second', throughput === null ? '–' : number(throughput)),
    figure('a.figure.errors', baselines, 'errors', errorRate === null ? '–' : quantity(errorRate, '%')),
    details,
  )
}

/** @param {Headline} headline */
function shift({ before, after, unit }) {
  if (after === null) return [quantity(before, unit)]
  return [
    element('span.is', {}, quantity(after, unit)),
    element('span.sub', {}, `was ${quantity(before, unit)}, ${change(before, after)}`),
  ]
}

/** @param {HTMLElement} details @param {Service} line @param {(url: string) => Promise<any>} read */
async function fillDetails(details, line, read) {
  const { service, environment, confirmed, suspected, cost, series, firm } = line
  const url = `/v1/performance/baselines?${query({ service, environment, metric: 'latency', limit: '50' })}`
  const regressions = `/v1/performance/regressions?${query({ service, environment })}`
  const table = element('div.scroll', {}, element('p.quiet', {}, 'Reading its baselines'))
  details.append(
    element(
      'p.facts-line',
      {},
      figure('a', regressions, 'open regressions', `${number(confirmed)} confirmed, ${number(suspected)} suspected`),
      ' · ',
      figure('a', regressions, 'cost of the open regressions', `${number(cost)} extra ms × req/s`),
      ' · ',
      figure('a', url, 'baselines', `${plural(series, 'baseline')}, ${number(firm)} firm`),
    ),
    table,
  )
  try {
    const { items } = await read(url)
    table.replaceChildren(
      items.length === 0 ? element('p.quiet', {}, 'No latency baselines yet.') : baselineTable(items),
    )
  } catch (error) {
    table.replaceChildren(
      element('p.quiet', {}, `Its baselines could not be read: ${/** @type {Error} */ (error).message}`),
    )
  }
}

/** @param {readonly any[]} items */
function baselineTable(items) {
  /** @param {string} tag @param {string} text */
  const cell = (tag, text) => element(tag, tag === 'th' ? { scope: 'col' } : {}, text)
  const heads = ['Series', 'p50', 'p95', 'p99', 'requests', 'firmness']
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...heads.map((head) => cell('th', head)))),
    element(
      'tbody',
      {},
      ...items.map((item) => {
        const latency = item.latency ?? item
        return element(
          'tr',
          {},
          element('th', { scope: 'row' }, seriesName(item)),
          ...['p50', 'p95', 'p99'].map((name) => cell('td', quantity(latency[name] ?? null, item.unit ?? 'ms'))),
          cell('td', latency.n ? number(latency.n) : '–'),
          cell('td', item.firmness ?? ''),
        )
      }),
    ),
  )
}
