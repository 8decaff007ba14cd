import type { Dashboard, DashboardLink, Panel, RowPanel } from '@plimsoll/dashboards/boards.ts'
import { mentionsOf } from './expression.ts'
import type { Registry } from './registry.ts'
import { viewsReadBy } from './views.ts'

const maxPanels = 24
const ratesOf = new Set(['rate', 'irate', 'increase'])
/** Ranges that follow the scrape interval or the time shown. */
const ranges = new Set(['$__rate_interval', '$__range'])
const wantedVariables = ['datasource', 'job', 'instance']
/** Colours and palettes that show red, or might: a colour by number does not say. */
const red = /red|Rd|palette-classic|^#/

/** What is wrong with a board, each problem as one sentence that says where; empty when nothing is. */
export function lintBoard(dashboard: Dashboard, registry: Registry, views: ReadonlySet<string>): string[] {
  const panels = panelsOf(dashboard)
  return [
    ...boardProblems(dashboard, panels),
    ...panels.flatMap((panel) =>
      panelProblems(panel).map((problem) => `panel "${panel.title ?? panel.id}" ${problem}`),
    ),
    ...expressionsOf(dashboard).flatMap(({ where, expr }) =>
      expressionProblems(expr, registry).map((problem) => `${where}: ${problem}`),
    ),
    ...sqlOf(dashboard).flatMap(({ where, sql }) => sqlProblems(sql, views).map((problem) => `${where}: ${problem}`)),
  ].map((problem) => `${dashboard.uid ?? dashboard.title}: ${problem}`)
}

/** Every PromQL query of the board, of panels and of annotations, with where it stands. */
export function expressionsOf(dashboard: Dashboard): { readonly where: string; readonly expr: string }[] {
  const ofPanels = panelsOf(dashboard)
    .filter(({ type }) => type !== 'table')
    .flatMap((panel) =>
      (panel.targets ?? []).map((target) => ({ where: `panel "${panel.title}"`, expr: expressionOf(target) })),
    )
  const ofAnnotations = (dashboard.annotations?.list ?? []).map(({ name, expr }) => ({
    where: `annotation "${name}"`,
    expr: expr ?? '',
  }))
  return [...ofPanels, ...ofAnnotations]
}

const expressionOf = (target: object): string => ('expr' in target ? String(target.expr) : '')

/** Every SQL query of the board, with where it stands. */
export function sqlOf(dashboard: Dashboard): { readonly where: string; readonly sql: string }[] {
  return panelsOf(dashboard).flatMap((panel) =>
    (panel.targets ?? []).flatMap((target) =>
      'rawSql' in target ? [{ where: `panel "${panel.title}"`, sql: String(target.rawSql) }] : [],
    ),
  )
}

const isRow = (panel: Panel | RowPanel): panel is RowPanel => panel.type === 'row'

/** All panels but rows, those of folded rows among them. */
function panelsOf({ panels = [] }: Dashboard): Panel[] {
  return panels.flatMap((panel) => (isRow(panel) ? panel.panels : [panel]))
}

function boardProblems(dashboard: Dashboard, panels: readonly Panel[]): string[] {
  const variables = new Map((dashboard.templating?.list ?? []).map((variable) => [variable.name, variable]))
  const [first, second] = dashboard.panels ?? []
  const problems: (string | false)[] = [
    !dashboard.uid && 'has no uid: links to it would break',
    !dashboard.description && 'has no description',
    dashboard.editable !== false && 'can be edited in Grafana: make it readonly()',
    panels.length > maxPanels && `has ${panels.length} panels: split it, ${maxPanels} are the most one can take in`,
    !(first?.type === 'row' && first.title?.endsWith('?')) && 'does not begin with a row whose title is a question',
    second?.type !== 'stat' && 'answers its question with no number in the first row',
    !dashboard.links?.some(({ keepTime, includeVars }) => keepTime && includeVars) &&
      'has no link to the other boards that keeps time and variables',
    (dashboard.annotations?.list ?? []).length === 0 && 'has no annotation',
    ...wantedVariables.map((name) => !variables.has(name) && `has no variable ${name}`),
    ...[...variables.values()].map(
      ({ type, name, refresh }) =>
        type === 'query' && refresh !== 2 && `variable ${name} is not read again when the time changes`,
    ),
  ]
  return problems.filter((problem) => problem !== false)
}

function panelProblems(panel: Panel): string[] {
  const { title, description = '', datasource, targets = [], fieldConfig } = panel
  const defaults = fieldConfig?.defaults
  const links: readonly DashboardLink[] = defaults?.links ?? []
  const colors = [defaults?.color?.mode, defaults?.color?.fixedColor, ...steps(panel)]
  const isRed = defaults?.color === undefined || colors.some((color) => color !== undefined && red.test(color))
  const problems: (string | false)[] = [
    !title && 'has no title',
    !description && 'has no description',
    !defaults?.unit && 'has no unit',
    datasource?.uid !== (panel.type === 'table' ? `\${business}` : `\${datasource}`) &&
      'does not take its data source from the variable',
    targets.length === 0 && 'asks nothing',
    panel.type === 'stat' && links.length === 0 && 'is a number that links to no explanation',
    isRed && !description.includes('Act now:') && 'may show red, which is for "Act now:" in the description only',
  ]
  return problems.filter((problem) => problem !== false)
}

const steps = ({ fieldConfig }: Panel): string[] =>
  fieldConfig?.defaults?.thresholds?.steps.map(({ color }) => color) ?? []

function expressionProblems(expr: string, registry: Registry): string[] {
  const mentions = mentionsOf(expr)
  const chosen = [...expr.matchAll(/\{([^{}]*)\}/g)].map(([, matchers = '']) => matchers)
  const problems: (string | false)[] = [
    mentions.length === 0 && 'reads no metric',
    ...chosen.map(
      (matchers) =>
        !(matchers.includes('job=~"$job"') && matchers.includes('instance=~"$instance"')) &&
        `{${matchers}} does not follow the variables job and instance`,
    ),
    chosen.length < mentions.length && 'a metric is read without matchers for job and instance',
    ...mentions.flatMap(({ metric, within, range }) => {
      const kind = registry.get(metric)
      const isRate = within !== undefined && ratesOf.has(within)
      return [
        kind === undefined && `no service registers ${metric}`,
        (kind === 'counter' || kind === 'histogram') &&
          !isRate &&
          `${metric} only grows: put it inside rate or increase`,
        kind === 'gauge' && isRate && `${metric} is a gauge: ${within} of it means nothing`,
        range !== undefined && !ranges.has(range) && `[${range}] is a fixed window: use [$__rate_interval]`,
      ]
    }),
  ]
  return problems.filter((problem) => problem !== false)
}

function sqlProblems(sql: string, views: ReadonlySet<string>): string[] {
  const read = viewsReadBy(sql)
  return [
    ...(read.length === 0 ? ['reads no view'] : []),
    ...read.filter((view) => !views.has(view)).map((view) => `reads ${view}, which is no view kept for boards`),
  ]
}
