import type * as cog from '@grafana/grafana-foundation-sdk/cog'
import * as common from '@grafana/grafana-foundation-sdk/common'
import * as grafana from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { type Board, chosen, type Graph, type Panel, type Query, type Stat, type Table } from './board.ts'

const gridWidth = 24
const statHeight = 4
const graphHeight = 8
const source = { type: 'prometheus', uid: `\${datasource}` }
const business = { type: 'grafana-postgresql-datasource', uid: `\${business}` }

/** Grafana's classic JSON (schema 42) of a board. Throws a RangeError when a number is explained by no graph. */
export function render(board: Board): grafana.Dashboard {
  const dashboard = new grafana.DashboardBuilder(board.title)
    .uid(board.uid)
    .description(board.description)
    .tags(['plimsoll'])
    .readonly()
    .tooltip(grafana.DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .annotation(restarts())
    .link(siblings())
  for (const variable of variables()) dashboard.withVariable(variable)
  if (board.rows.some(({ panels }) => panels.some(({ kind }) => kind === 'table'))) {
    dashboard.withVariable(new grafana.DatasourceVariableBuilder('business').label('PostgreSQL').type(business.type))
  }

  const ids = new Map(board.rows.flatMap(({ panels }) => panels).map((panel, index) => [panel, index + 1]))
  const explanation = ({ title, explainedBy }: Stat): string => {
    const found = [...ids].find(([panel]) => panel.kind === 'graph' && panel.title === explainedBy)
    if (found === undefined) throw new RangeError(`"${title}" of "${board.title}": no graph is named "${explainedBy}"`)
    return `/d/${board.uid}?viewPanel=${found[1]}`
  }
  for (const [index, row] of board.rows.entries()) {
    dashboard.withRow(new grafana.RowBuilder(row.title).id(100 + index))
    const width = Math.max(gridWidth / row.panels.length, gridWidth / 6)
    for (const panel of row.panels) {
      const id = ids.get(panel) ?? 0
      switch (panel.kind) {
        case 'stat':
          dashboard.withPanel(stat(panel, explanation(panel)).id(id).span(Math.floor(width)).height(statHeight))
          break
        case 'graph':
          dashboard.withPanel(
            graph(panel)
              .id(id)
              .span(gridWidth / 3)
              .height(graphHeight),
          )
          break
        case 'table':
          dashboard.withPanel(
            table(panel)
              .id(id)
              .span(gridWidth / 2)
              .height(graphHeight),
          )
          break
      }
    }
  }
  return dashboard.build()
}

function stat(panel: Stat, explanation: string): StatBuilder {
  const { lookFrom, actNow } = panel
  const steps: grafana.Threshold[] = [
    { value: null, color: 'blue' },
    ...(lookFrom === undefined ? [] : [{ value: lookFrom, color: 'orange' }]),
    ...(actNow === undefined ? [] : [{ value: actNow.from, color: 'red' }]),
  ]
  return new StatBuilder()
    .title(panel.title)
    .description(describe(panel))
    .unit(panel.unit)
    .datasource(source)
    .withTarget(query({ expr: panel.expr, legend: panel.title }, 0).instant())
    .graphMode(common.BigValueGraphMode.None)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorScheme(new grafana.FieldColorBuilder().mode(grafana.FieldColorModeId.Thresholds))
    .thresholds(new grafana.ThresholdsConfigBuilder().mode(grafana.ThresholdsMode.Absolute).steps(steps))
    .dataLinks([
      new grafana.DashboardLinkBuilder(`Show ${panel.explainedBy}`).url(
        `${explanation}&\${__url_time_range}&\${__all_variables}`,
      ),
    ])
}

function graph(panel: Graph): GraphBuilder {
  return (
    new GraphBuilder()
      .title(panel.title)
      .description(describe(panel))
      .unit(panel.unit)
      .datasource(source)
      .targets(panel.queries.map((each, index) => query(each, index).range()))
      .min(0)
      .legend(
        new common.VizLegendOptionsBuilder()
          .showLegend(true)
          .displayMode(common.LegendDisplayMode.List)
          .placement(common.LegendPlacement.Bottom),
      )
      .tooltip(
        new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
      )
      // The higher the darker. The usual palette would give the fifth line the red that is kept for "act now".
      .colorScheme(
        new grafana.FieldColorBuilder()
          .mode(grafana.FieldColorModeId.ContinuousBlPu)
          .seriesBy(grafana.FieldColorSeriesByMode.Last),
      )
  )
}

function table(panel: Table): TableBuilder {
  return new TableBuilder()
    .title(panel.title)
    .description(describe(panel))
    .unit(panel.unit)
    .datasource(business)
    .withTarget(rows(panel))
    .colorScheme(new grafana.FieldColorBuilder().mode(grafana.FieldColorModeId.Fixed).fixedColor('text'))
}

/** The SDK knows no queries of PostgreSQL; this is how Grafana stores one that is written as SQL. */
const rows = ({ sql }: Table): cog.Builder<cog.Dataquery> => ({
  build() {
    const query = { refId: 'A', datasource: business, format: 'table', rawQuery: true, rawSql: sql }
    return { ...query, _implementsDataqueryVariant() {} }
  },
})

const describe = (panel: Panel): string =>
  panel.kind === 'stat' && panel.actNow ? `${panel.description} Act now: ${panel.actNow.how}` : panel.description

const query = ({ expr, legend }: Query, index: number): DataqueryBuilder =>
  new DataqueryBuilder()
    .datasource(source)
    .refId(String.fromCharCode(65 + index))
    .expr(expr)
    .legendFormat(legend)

/** Chosen anew whenever the time changes: an instance of last week is not among today's. */
function variables(): cog.Builder<grafana.VariableModel>[] {
  const labelValues = (name: string, label: string, matchers: string) =>
    new grafana.QueryVariableBuilder(name)
      .label(label)
      .datasource(source)
      .query(`label_values({${matchers}}, ${name})`)
      .refresh(grafana.VariableRefresh.OnTimeRangeChanged)
      .sort(grafana.VariableSort.AlphabeticalAsc)
      .multi(true)
      .includeAll(true)
      .current({ text: 'All', value: '$__all' })
  return [
    new grafana.DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'),
    labelValues('job', 'Job', '__name__=~"plimsoll_.+"'),
    labelValues('instance', 'Instance', '__name__=~"plimsoll_.+",job=~"$job"'),
  ]
}

/** A deployment of Plimsoll shows as the restart of its processes. */
const restarts = () =>
  new grafana.AnnotationQueryBuilder()
    .name('Restarts')
    .datasource(source)
    .enable(true)
    .iconColor('purple')
    .expr(`changes(process_start_time_seconds{${chosen}}[$__rate_interval]) > 0`)
    .titleFormat('Restart of {{instance}}')

/** The other boards, at the same time and for the same processes. */
const siblings = () =>
  new grafana.DashboardLinkBuilder('Plimsoll')
    .type(grafana.DashboardLinkType.Dashboards)
    .tags(['plimsoll'])
    .keepTime(true)
    .includeVars(true)
