import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boardFiles, type Dashboard, type Panel } from '@plimsoll/dashboards/boards.ts'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkDashboards, generateDashboards } from './check.ts'
import { lintBoard } from './lint.ts'
import { type Registry, readRegistry } from './registry.ts'
import { readViews } from './views.ts'

test('the boards keep the rules, ask for what services export, and are what is committed', async () => {
  expect(await checkDashboards()).toEqual([])
})

test('examples in comments register nothing', async () => {
  expect([...(await readRegistry()).keys()]).not.toContain('plimsoll_things_total')
})

describe('generated files', () => {
  const folders: string[] = []
  const folder = () => {
    folders.push(mkdtempSync(join(tmpdir(), 'plimsoll-dashboards-')))
    return folders.at(-1) ?? ''
  }
  afterEach(() => {
    for (const each of folders.splice(0)) rmSync(each, { recursive: true })
  })

  test('one that was changed by hand, is missing or has no board is told', async () => {
    const here = folder()
    const [first, ...others] = generateDashboards(here)
    writeFileSync(join(here, first ?? ''), '{}')
    for (const other of others) rmSync(join(here, other))
    writeFileSync(join(here, 'old.json'), '{}')
    expect(await checkDashboards(here)).toEqual([
      ...[first, ...others].map((name) => expect.stringContaining(`generated/${name} is not what its board says`)),
      expect.stringContaining('generated/old.json comes from no board'),
    ])
  })

  test('generating again mends them', async () => {
    const here = folder()
    writeFileSync(join(here, 'old.json'), '{}')
    generateDashboards(here)
    expect(await checkDashboards(here)).toEqual([])
  })
})

describe('a board is refused', () => {
  let registry: Registry
  beforeAll(async () => {
    registry = await readRegistry()
  })

  const views = readViews()

  /** A good board in which one thing is changed. */
  function problemsOf(change: (dashboard: Dashboard, stat: Panel, graph: Panel) => void): string[] {
    const dashboard = JSON.parse(boardFiles()[0]?.text ?? '') as Dashboard
    const panels = dashboard.panels as Panel[]
    const first = (type: string) => panels.find((panel) => panel.type === type) as Panel
    change(dashboard, first('stat'), first('timeseries'))
    return lintBoard(dashboard, registry, views)
  }
  const asking = (expr: string) => problemsOf((_, stat) => Object.assign(stat.targets?.[0] ?? {}, { expr }))
  const own = '{job=~"$job",instance=~"$instance"}'

  test.each<[string, RegExp, Parameters<typeof problemsOf>[0]]>([
    ['that can be edited', /can be edited/, (board) => (board.editable = true)],
    ['without a uid', /no uid/, (board) => (board.uid = '')],
    ['without a description', /no description/, (board) => (board.description = '')],
    ['that asks no question', /title is a question/, (board) => (board.panels ?? []).shift()],
    ['whose first row has no number', /no number in the first row/, (board) => (board.panels ?? []).splice(1, 6)],
    ['with too many panels', /48 panels/, (board) => board.panels?.push(...board.panels)],
    ['without the variable job', /no variable job/, (board) => board.templating?.list?.splice(1, 1)],
    ['whose links lose the time', /keeps time/, (board) => (board.links ?? []).splice(0)],
    ['without annotations', /no annotation/, (board) => (board.annotations?.list ?? []).splice(0)],
    ['with a panel without title', /no title/, (_, stat) => (stat.title = '')],
    ['with a panel without description', /no description/, (_, __, graph) => (graph.description = '')],
    ['with a panel without unit', /no unit/, (_, __, graph) => delete graph.fieldConfig?.defaults.unit],
    ['with a data source of its own', /data source/, (_, stat) => (stat.datasource = { uid: 'mine' })],
    ['with a panel that asks nothing', /asks nothing/, (_, __, graph) => (graph.targets = [])],
    [
      'with a number that leads nowhere',
      /no explanation/,
      (_, stat) => (stat.fieldConfig?.defaults.links ?? []).splice(0),
    ],
    ['with red that calls for nothing', /may show red/, (_, stat) => (stat.description = 'Halted lanes.')],
    ['with the usual palette', /may show red/, (_, __, graph) => delete graph.fieldConfig?.defaults.color],
  ])('%s', (_, message, change) => {
    expect(problemsOf(change)).toContainEqual(expect.stringMatching(message))
  })

  test.each([
    [`plimsoll_lane_halting${own}`, 'no service registers plimsoll_lane_halting'],
    [`sum(plimsoll_deadletter_total${own})`, 'plimsoll_deadletter_total only grows'],
    [`max(plimsoll_http_request_duration_seconds_bucket${own})`, '_bucket only grows'],
    [`rate(plimsoll_lane_lag_seconds${own}[$__rate_interval])`, 'is a gauge'],
    [`rate(plimsoll_deadletter_total${own}[5m])`, '[5m] is a fixed window'],
    ['plimsoll_lane_lag_seconds', 'without matchers'],
    ['plimsoll_lane_lag_seconds{job="plimsoll"}', 'does not follow the variables'],
    ['', 'reads no metric'],
  ])('that asks for %s', (expr, message) => {
    expect(asking(expr)).toContainEqual(expect.stringContaining(message))
  })

  test.each([
    ['select account_id from account_health', 'reads account_health, which is no view kept for boards'],
    ['select 1 from board_account join customer_success.account on true', 'reads customer_success.account'],
    ['select 1', 'reads no view'],
  ])('with a table of %s', (rawSql, message) => {
    const board = boardFiles().find(({ name }) => name === 'plimsoll-customer-success.json')
    const dashboard = JSON.parse(board?.text ?? '') as Dashboard
    const table = (dashboard.panels as Panel[]).find(({ type }) => type === 'table')
    Object.assign(table?.targets?.[0] ?? {}, { rawSql })
    expect(lintBoard(dashboard, registry, views)).toContainEqual(expect.stringContaining(message))
  })
})
