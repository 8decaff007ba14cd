// @ts-check
import { element, showList } from './dom.js'
import { change, clockTime, duration, number, plural, quantity, seriesName } from './format.js'
import { histogramPicture } from './histogram.js'
import { historyPicture } from './history.js'
import { ago, badge, disclosure, figure, query, stateMark, stateName, whenSeen } from './parts.js'
import { toElement } from './svg.js'

/**
 * @typedef {{ n: number } & Record<string, number | null>} Quantiles
 * @typedef {{
 *   regressionId: string, service: string, environment: string, endpoint: string, method: string, release: string,
 *   metric: string, unit: string, state: string, direction: string | null, detector: string,
 *   onsetAt: string, detectedAt: string | null, resolvedAt: string | null, changedAt: string,
 *   beforeValue: number, afterValue: number, before: Quantiles | null, after: Quantiles | null,
 *   histogram: { before: import('./histogram.js').Buckets, after: import('./histogram.js').Buckets } | null,
 *   auc: number | null, eValue: number | null, falseAlarmBudget: number | null, cost: number | null,
 *   symptoms: string[], suspects: string[], reason: string,
 * }} Regression
 * @typedef {(url: string) => Promise<any>} Read
 */

/** @param {HTMLElement} list @param {readonly Regression[]} regressions @param {Read} read */
export function showOpen(list, regressions, read) {
  showList(list, regressions, keyOf, (regression) => card(regression, read))
}

/** @param {HTMLElement} list @param {readonly Regression[]} regressions @param {Read} read */
export function showRecent(list, regressions, read) {
  showList(list, regressions, keyOf, (regression) => closedRow(regression, read))
}

/** @param {Regression} regression */
const keyOf = ({ regressionId }) => regressionId

/** @param {Regression} regression */
const ownQuery = ({ regressionId }) => `/v1/performance/regressions/${encodeURIComponent(regressionId)}`

const metricNames = /** @type {Record<string, string>} */ ({
  latency: 'p95',
  error_rate: 'errors',
  throughput: 'throughput',
  gauge: 'level',
})

/** @param {Regression} regression @param {Read} read */
function card(regression, read) {
  const { regressionId, service, state, unit, beforeValue, afterValue, metric, reason, onsetAt, cost, auc } = regression
  const details = element('div.details', { id: `regression-${regressionId}` })
  return element(
    `li.card.${state}`,
    {},
    element(
      'div.card-head',
      {},
      element(
        'h3',
        {},
        disclosure(
          `regression:${regressionId}`,
          details,
          () => fillDetails(details, regression, read),
          badge(state),
          element('span.who', {}, element('span.name', {}, service), element('span.sub', {}, seriesName(regression))),
        ),
      ),
      figure(
        'a.headline',
        ownQuery(regression),
        metricNames[metric] ?? metric,
        element('span.what', { 'aria-hidden': true }, metricNames[metric] ?? metric),
        element('span.was', {}, quantity(beforeValue, unit)),
        element('span.arrow', { 'aria-hidden': true }, '→'),
        element('span.visually-hidden', {}, ' to '),
        element('span.is', {}, quantity(afterValue, unit)),
        element('span.ratio', {}, change(beforeValue, afterValue)),
      ),
    ),
    picture(regression, read),
    element('p.reason', {}, reason),
    element(
      'p.facts-line',
      {},
      element('span', {}, 'since ', ago(onsetAt)),
      cost === null ? undefined : figure('a', ownQuery(regression), 'cost', `${number(cost)} extra ms × req/s`),
      auc === null
        ? undefined
        : figure(
            'a',
            ownQuery(regression),
            'effect',
            `slower in ${number(Math.round(auc * 100))}\u00a0% of comparisons`,
          ),
      regression.symptoms.length > 0 ? element('span', {}, plural(regression.symptoms.length, 'symptom')) : undefined,
    ),
    details,
  )
}

/** Both distributions, or, of a series that came without them, its history. @param {Regression} regression @param {Read} read */
function picture(regression, read) {
  const { histogram, before, after, unit, regressionId, service } = regression
  if (histogram === null) {
    const box = historyBox()
    whenSeen(box, () => fillHistory(box, regression, read))
    return box
  }
  const drawn = histogramPicture(
    { buckets: histogram.before, marks: marksOf(before) },
    { buckets: histogram.after, marks: marksOf(after) },
    {
      title: `${service} ${seriesName(regression)}: latency before and since the change`,
      unit,
      id: `histogram-${regressionId}`,
      width: pictureWidth(),
    },
  )
  return element(
    'figure.distribution',
    {},
    element(
      'figcaption',
      {},
      element('span.key.after', {}, `above: since the change${after?.n ? `, ${plural(after.n, 'request')}` : ''}`),
      element('span.key.before', {}, `below: before it${before?.n ? `, ${plural(before.n, 'request')}` : ''}`),
    ),
    toElement(drawn),
  )
}

/** Drawn at the size it is shown at, so that its text stays readable on a phone. */
const pictureWidth = () => Math.min(640, document.documentElement.clientWidth - 60)

/** @param {Quantiles | null} quantiles */
const marksOf = (quantiles) => (quantiles === null ? null : { p50: quantiles.p50 ?? null, p95: quantiles.p95 ?? null })

/** @param {Regression} regression @param {Read} read */
function closedRow(regression, read) {
  const { regressionId, service, state, unit, beforeValue, afterValue, changedAt, onsetAt, resolvedAt } = regression
  const details = element('div.details', { id: `regression-${regressionId}` })
  const lasted = resolvedAt === null ? 'accepted' : duration(Date.parse(resolvedAt) - Date.parse(onsetAt))
  return element(
    `li.row.closed.${state}`,
    {},
    disclosure(
      `regression:${regressionId}`,
      details,
      () => {
        details.append(picture(regression, read), element('p.reason', {}, regression.reason))
        fillDetails(details, regression, read)
      },
      stateMark(state),
      element('span.who', {}, element('span.name', {}, service), element('span.sub', {}, seriesName(regression))),
      element('span.visually-hidden', {}, `, ${stateName(state)}`),
    ),
    figure(
      'a.figure',
      ownQuery(regression),
      'while it was open',
      quantity(afterValue, unit),
      element('span.sub', {}, `was ${quantity(beforeValue, unit)}`),
    ),
    figure('a.figure.lasted', ownQuery(regression), 'lasted', lasted, element('span.sub', {}, ago(changedAt))),
    details,
  )
}

/** @param {HTMLElement} details @param {Regression} regression @param {Read} read */
function fillDetails(details, regression, read) {
  if (regression.histogram !== null) {
    const box = historyBox()
    details.append(box)
    fillHistory(box, regression, read)
  }
  details.append(evidence(regression))
}

const historyBox = () => element('div.history-box', {}, element('p.quiet', {}, 'Reading its history'))

const hourMs = 3_600_000

/** @param {HTMLElement} box @param {Regression} regression @param {Read} read */
async function fillHistory(box, regression, read) {
  const { unit, onsetAt, regressionId, service } = regression
  const onset = Date.parse(onsetAt)
  const to = Math.max(Date.parse(regression.changedAt), Math.min(Date.now(), onset + 6 * hourMs))
  const from = onset - Math.max(hourMs, Math.min(6 * hourMs, to - onset))
  try {
    const { seriesId } = await read(ownQuery(regression))
    const range = query({ from: new Date(from).toISOString(), to: new Date(to).toISOString() })
    const url = `/v1/performance/series/${encodeURIComponent(seriesId)}?${range}`
    const { points } = await read(url)
    const lines = linesOf(regression.metric, points)
    if (lines.length === 0) throw new Error('no minute had enough requests')
    const names = lines.map(({ name }) => name).join(' and ')
    const drawn = historyPicture(lines, {
      title: `${service} ${seriesName(regression)}: ${names} from ${clockTime(from)} to ${clockTime(to)}`,
      unit,
      id: `history-${regressionId}`,
      onsetAt: onset,
      reference: regression.beforeValue,
      width: pictureWidth(),
    })
    box.replaceChildren(
      toElement(drawn),
      element('p.origin', {}, element('a', { href: url }, 'Open this series as JSON')),
    )
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    box.replaceChildren(element('p.quiet', {}, `Its history cannot be shown: ${message}`))
  }
}

/** Which numbers of a point tell the history of which metric: the one that regressed, and one to compare it with. */
const historyOf = /** @type {Record<string, [name: string, member: string][]>} */ ({
  latency: [
    ['p95', 'p95Ms'],
    ['p50', 'p50Ms'],
    ['mean', 'value'],
  ],
  error_rate: [['errors', 'errorPercent']],
  throughput: [['requests', 'ratePerSecond']],
  gauge: [['mean', 'value']],
})

/** @param {string} metric @param {readonly any[]} points @returns {import('./history.js').Line[]} those with something to show */
function linesOf(metric, points) {
  return (historyOf[metric] ?? [])
    .map(([name, member]) => ({
      name,
      points: points.map((point) => ({ at: Date.parse(point.at), value: point[member] ?? null })),
    }))
    .filter((line) => line.points.filter(({ value }) => value !== null).length >= 2)
}

/** @param {Regression} regression */
function evidence(regression) {
  const {
    before,
    after,
    unit,
    detector,
    eValue,
    falseAlarmBudget,
    release,
    symptoms,
    suspects,
    regressionId,
    onsetAt,
    detectedAt,
  } = regression
  const facts = [
    ['Change began', clockTime(onsetAt)],
    [
      'Proved',
      detectedAt === null
        ? '–'
        : `${clockTime(detectedAt)}, ${duration(Date.parse(detectedAt) - Date.parse(onsetAt))} later`,
    ],
    ['Detector', detector || '–'],
    ['Evidence (e-value)', eValue === null ? '–' : evidenceText(eValue)],
    ['False-alarm budget used', falseAlarmBudget === null ? '–' : quantity(falseAlarmBudget * 100, '%')],
    ['Release', release || '–'],
    ['Suspects', suspects.join(', ') || '–'],
    ['Symptoms', symptoms.join(', ') || '–'],
    ['Id', regressionId],
  ]
  return element(
    'div.evidence',
    {},
    before === null || after === null ? undefined : element('div.scroll', {}, quantileTable(before, after, unit)),
    element(
      'dl.pairs',
      {},
      ...facts.map(([term = '', text = '']) => element('div', {}, element('dt', {}, term), element('dd', {}, text))),
    ),
  )
}

/** @param {number} eValue */
const evidenceText = (eValue) => (eValue >= 1e6 ? `10^${Math.floor(Math.log10(eValue))} : 1` : `${number(eValue)} : 1`)

/** @param {Quantiles} before @param {Quantiles} after @param {string} unit */
function quantileTable(before, after, unit) {
  /** @param {Quantiles} side @param {string} name */
  const withInterval = (side, name) => {
    const [low, high] = [side[`${name}Low`] ?? null, side[`${name}High`] ?? null]
    const value = quantity(side[name] ?? null, unit)
    return element(
      'td',
      {},
      value,
      low === null || high === null ? '' : element('span.interval', {}, `${number(low)} to ${number(high)}`),
    )
  }
  const heads = ['', 'before', 'since', 'change']
  return element(
    'table',
    {},
    element('caption.visually-hidden', {}, 'Quantiles with their 95 % intervals'),
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element(
      'tbody',
      {},
      ...['p50', 'p95', 'p99'].map((name) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, name),
          withInterval(before, name),
          withInterval(after, name),
          element('td', {}, change(before[name] ?? Number.NaN, after[name] ?? Number.NaN)),
        ),
      ),
    ),
  )
}
