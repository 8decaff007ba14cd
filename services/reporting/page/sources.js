// @ts-check
import { element, showList } from './dom.js'
import { clockTime, duration, number, plural } from './format.js'
import { figure, stateMark } from './parts.js'

/**
 * @typedef {{ reason: string, count: number, advice: string, lastExample: string, lastAt: string }} Refusal
 * @typedef {{
 *   source: string, protocol: string, perSecond: number, lastSeenAt: string, lagMs: number | null, refused: Refusal[],
 * }} Source
 * @typedef {{ source: string, activity: string, pulledUntil: string | null, problem: string | null }} Pull
 */

const url = '/v1/gateway/sources'

/** @param {HTMLElement} list @param {readonly Source[]} sources @param {readonly Pull[]} pulls */
export function showSources(list, sources, pulls) {
  const lines = [...sources.map(sourceLine), ...pulls.map(pullLine)]
  showList(list, lines, ({ name, how }) => `${name}/${how}`, row)
}

/** @typedef {{ name: string, how: string, figures: [label: string, text: string][], refusals: number, remarks: string[] }} Line */

/** @param {Source} source @returns {Line} */
function sourceLine({ source, protocol, perSecond, lastSeenAt, lagMs, refused }) {
  return {
    name: source,
    how: protocol,
    figures: [
      ['rate', `${number(perSecond)}\u00a0/s`],
      ['lag', lagMs === null ? '–' : `${duration(lagMs)} behind`],
      ['last seen', `${duration(Date.now() - Date.parse(lastSeenAt))} ago`],
    ],
    refusals: refused.reduce((sum, { count }) => sum + count, 0),
    remarks: refused.map(
      ({ reason, count, advice }) => `${number(count)} ${reason}${advice === '' ? '' : `: ${advice}`}`,
    ),
  }
}

/** @param {Pull} pull @returns {Line} */
function pullLine({ source, activity, pulledUntil, problem }) {
  return {
    name: source,
    how: `pull, ${activity}`,
    figures: [['read up to', pulledUntil === null ? 'nothing yet' : clockTime(pulledUntil)]],
    refusals: 0,
    remarks: problem === null ? [] : [problem],
  }
}

/** @param {Line} line */
function row({ name, how, figures, refusals, remarks }) {
  return element(
    'li.row.source',
    {},
    element(
      'div.line',
      { tabindex: 0, 'data-line': true, 'data-focus': `source:${name}/${how}` },
      stateMark(remarks.length > 0 ? 'suspected' : 'normal'),
      element('span.who', {}, element('span.name', {}, name), element('span.sub', {}, how)),
    ),
    ...figures.map(([label, text]) => figure('a.figure', url, label, text)),
    element(
      'div.refusals',
      {},
      refusals === 0 ? undefined : figure('a', url, 'refused', plural(refusals, 'refusal')),
      remarks.length === 0 ? 'nothing refused' : undefined,
      ...remarks.map((remark) => element('p', {}, remark)),
    ),
  )
}

/** What to paste where, with this installation's own address. @param {string} origin */
const snippets = (origin) => {
  const host = new URL(origin).host
  const secured = !/^(localhost|127\.|\[::1\])/.test(host)
  return [
    {
      title: 'Prometheus',
      where: 'prometheus.yml',
      text: [
        'remote_write:',
        `  - url: ${origin}/api/v1/write`,
        ...(secured ? ['    authorization:', '      credentials: <API key>'] : []),
      ].join('\n'),
    },
    {
      title: 'OpenTelemetry',
      where: 'environment of your service',
      text: [
        `OTEL_EXPORTER_OTLP_ENDPOINT=${origin}`,
        'OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
        ...(secured ? ['OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer <API key>"'] : []),
      ].join('\n'),
    },
    {
      title: 'Alertmanager',
      where: 'alertmanager.yml',
      text: [
        'receivers:',
        '  - name: plimsoll',
        '    webhook_configs:',
        `      - url: ${origin}/hooks/alertmanager`,
        ...(secured ? ['        http_config:', '          authorization:', '            credentials: <API key>'] : []),
      ].join('\n'),
    },
  ]
}

/** @param {HTMLElement} box */
export function showSnippets(box) {
  box.replaceChildren(
    ...snippets(location.origin).map(({ title, where, text }) => {
      const copy = element('button.button', { type: 'button', 'aria-label': `Copy the ${title} configuration` }, 'Copy')
      copy.addEventListener('click', async () => {
        await navigator.clipboard.writeText(text)
        copy.textContent = 'Copied'
        setTimeout(() => {
          copy.textContent = 'Copy'
        }, 2_000)
      })
      return element(
        'section.snippet',
        {},
        element('div.snippet-head', {}, element('h3', {}, title), element('span.quiet', {}, where), copy),
        element('pre', { tabindex: 0, 'aria-label': `${title} configuration` }, text),
      )
    }),
  )
}
