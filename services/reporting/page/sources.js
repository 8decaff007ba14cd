// @ts-check
import { element, showList } from './dom.js'
import { duration, number, plural } from './format.js'
import { figure, stateMark } from './parts.js'

/**
 * @typedef {{
 *   source: string, protocol: string, lastSeenAt: string | null, samplesPerSecond: number, lagSeconds: number | null,
 *   accepted: number, refused: { reason: string, count: number }[],
 * }} Source
 */

const url = '/v1/gateway/sources'

/** @param {HTMLElement} list @param {readonly Source[]} sources */
export function showSources(list, sources) {
  showList(list, sources, ({ source, protocol }) => `${source}/${protocol}`, row)
}

/** @param {Source} line */
function row({ source, protocol, lastSeenAt, samplesPerSecond, lagSeconds, refused }) {
  const refusals = refused.reduce((sum, { count }) => sum + count, 0)
  return element(
    'li.row.source',
    {},
    element(
      'div.line',
      { tabindex: 0, 'data-line': true, 'data-focus': `source:${source}/${protocol}` },
      stateMark(refusals > 0 ? 'suspected' : 'normal'),
      element('span.who', {}, element('span.name', {}, source), element('span.sub', {}, protocol)),
    ),
    figure('a.figure', url, 'rate', `${number(samplesPerSecond)}\u00a0/s`),
    figure('a.figure', url, 'lag', lagSeconds === null ? '–' : `${duration(lagSeconds * 1000)} behind`),
    figure(
      'a.figure',
      url,
      'last seen',
      lastSeenAt === null ? 'never' : `${duration(Date.now() - Date.parse(lastSeenAt))} ago`,
    ),
    refusals === 0
      ? element('p.refusals.quiet', {}, 'nothing refused')
      : element(
          'p.refusals',
          {},
          figure('a', url, 'refused', plural(refusals, 'refusal')),
          ` · ${refused.map(({ reason, count }) => `${reason} ${number(count)}`).join(', ')}`,
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
