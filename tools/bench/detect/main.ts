/**
 * Quality and cost of the detectors on recorded data, with the simple rules beside them in the same run.
 *
 *   node tools/bench/detect/main.ts [--json] [--data DIR] [--only nezha|steps|faults|ms|nab|tcpd|requests|speed]
 *
 * Data root: --data, PLIMSOLL_DATA or ../shared/data beside the repository. Days and files are discovered there; what is
 * absent is said and its rows are left out. The definitions of the measures are in the files that compute them.
 */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventRow, loadMicrosoft } from './mscloud.ts'
import { heldOutScore, loadNab, scoreNab } from './nab.ts'
import { faultRow, loadNezha, quietRow, stepRow, usable } from './quiet.ts'
import { type RequestResult, requestRows } from './requests.ts'
import { plimsollScores, RULES } from './rules.ts'
import { speedResult } from './speed.ts'
import { loadTcpd, tcpdRows } from './tcpd.ts'

export type BenchRow = {
  bench: string
  rule: string
  measure: string
  value: number
  unit: string
  /** What the row must reach and what it should, where one is set for it. */
  bar?: string
  goal?: string
  met?: boolean
  detail?: string
}

export type BenchResult = { data: string; absent: string[]; rows: BenchRow[] }

const PARTS = ['nezha', 'steps', 'faults', 'ms', 'nab', 'tcpd', 'requests', 'speed'] as const
export type Part = (typeof PARTS)[number]

const SEEDS = 5

export function defaultData(): string {
  return process.env.PLIMSOLL_DATA ?? join(dirname(fileURLToPath(import.meta.url)), '../../../../shared/data')
}

export async function detectBench(args: { data: string; json: boolean; only?: Part }): Promise<BenchResult> {
  const rows: BenchRow[] = []
  const absent: string[] = []
  const wanted = (part: Part): boolean => args.only === undefined || args.only === part
  const note = (what: string): void => {
    absent.push(what)
    console.error(`ABSENT: ${what} under ${args.data}: its rows are missing from this run`)
  }
  if (wanted('nezha') || wanted('steps') || wanted('faults')) {
    const nezha = loadNezha(args.data)
    if (nezha.latency.length === 0) note('performance/nezha')
    else nezhaRows(rows, nezha, wanted)
  }
  if (wanted('ms')) {
    const series = loadMicrosoft(args.data)
    if (series.length === 0) note('performance/mscloud/middle-tier-api-dependency-latency')
    else microsoftRows(rows, series)
  }
  if (wanted('nab')) {
    const series = loadNab(args.data)
    if (series.length === 0) note('performance/nab')
    else nabRows(rows, series)
  }
  if (wanted('tcpd')) {
    const series = loadTcpd(args.data)
    if (series.length === 0) note('performance/tcpd')
    for (const row of series.length === 0 ? [] : tcpdRows(series)) {
      const ours = row.rule.startsWith('plimsoll')
      rows.push(
        figure('tcpd', row.rule, 'F1', row.f1, '', ours ? { goal: '0.76', detail: `${row.series} series` } : {}),
      )
      rows.push(figure('tcpd', row.rule, 'cover', row.cover, '', ours ? { goal: '0.71' } : {}))
    }
  }
  if (wanted('requests')) {
    const nezha = loadNezha(args.data)
    const results = requestRows(args.data, nezha.faults)
    if (results.every((result) => result.rows.length === 0)) note('spans of performance/nezha')
    for (const result of results) requestFigures(rows, result)
  }
  if (wanted('speed')) speedRows(rows)
  if (args.json) console.log(JSON.stringify({ data: args.data, absent, rows }, null, 2))
  else print(rows)
  return { data: args.data, absent, rows }
}

function figure(
  bench: string,
  rule: string,
  measure: string,
  value: number,
  unit: string,
  more: Partial<BenchRow> = {},
): BenchRow {
  return { bench, rule, measure, value, unit, ...more }
}

function atLeast(value: number, bar: number): Partial<BenchRow> {
  return { bar: `>= ${bar}`, met: value >= bar }
}

function atMost(value: number, bar: number): Partial<BenchRow> {
  return { bar: `<= ${bar}`, met: value <= bar }
}

function requestFigures(rows: BenchRow[], { rule, rows: faults, normalTried, normalFired }: RequestResult): void {
  for (const { type, tried, seen } of faults) {
    rows.push(figure('requests', rule, `${type} seen`, (100 * seen) / tried, '%', { detail: `${seen}/${tried}` }))
  }
  if (normalTried === 0) return
  const share = (100 * normalFired) / normalTried
  const detail = `${normalFired}/${normalTried} operations`
  rows.push(
    figure('requests', rule, 'fires in normal minutes', share, '%', {
      ...(rule === 'plimsoll' ? { goal: '<= 0.3' } : {}),
      detail,
    }),
  )
}

function nezhaRows(rows: BenchRow[], data: ReturnType<typeof loadNezha>, wanted: (part: Part) => boolean): void {
  for (const rule of RULES) {
    const ours = rule.name === 'plimsoll'
    if (wanted('nezha')) {
      for (const day of ['', ...new Set(data.latency.map((s) => s.day))]) {
        const row = quietRow(
          rule,
          data.latency.filter((s) => day === '' || s.day === day),
          data.faults,
        )
        rows.push(
          figure('nezha', rule.name, `quiet alerts ${day || 'all days'}`, row.perServiceDay, '/service-day', {
            ...(ours && day === '' ? atMost(row.perServiceDay, 0.2) : {}),
            detail: `${row.alerts} in ${row.serviceDays.toFixed(1)} days${row.worst === '' ? '' : `, most ${row.worst}`}`,
          }),
        )
      }
      const dense = quietRow(rule, data.latency.filter(usable), data.faults)
      rows.push(
        figure('nezha', rule.name, 'quiet alerts, usable series only', dense.perServiceDay, '/service-day', {
          detail: `${dense.alerts} in ${dense.serviceDays.toFixed(1)} days`,
        }),
      )
      const edges = quietRow(rule, data.edges, data.faults)
      rows.push(
        figure('nezha', rule.name, 'quiet alerts on edges', edges.perServiceDay, '/edge-day', {
          detail: `${edges.alerts} in ${edges.serviceDays.toFixed(1)} days`,
        }),
      )
    }
    if (wanted('steps')) {
      for (const [factor, bar, goal] of [
        [1.2, 54, 70],
        [1.5, 82, 95],
        [2, 90, 100],
      ] as const) {
        const row = stepRow(rule, data.latency, data.faults, factor, SEEDS)
        const percent = 100 * row.share
        rows.push(
          figure('steps', rule.name, `+${Math.round((factor - 1) * 100)} % found in 30 min`, percent, '%', {
            ...(ours ? { ...atLeast(percent, bar), goal: String(goal) } : {}),
            detail: `${row.found}/${row.tried}, median ${row.medianDelayMinutes.toFixed(1)} min`,
          }),
        )
      }
    }
    if (wanted('faults')) {
      for (const withEdges of [false, true]) {
        const row = faultRow(rule, data, withEdges)
        const percent = 100 * row.share
        rows.push(
          figure('faults', rule.name, `seen in 6 min, ${row.series}`, percent, '%', {
            ...(ours ? { ...atLeast(percent, 30), goal: '60' } : {}),
            detail: `${row.seen}/${row.tried}, median ${row.medianDelayMinutes.toFixed(1)} min`,
          }),
        )
      }
    }
  }
}

function microsoftRows(rows: BenchRow[], series: ReturnType<typeof loadMicrosoft>): void {
  for (const rule of RULES) {
    const row = eventRow(rule, series)
    const ours = rule.name === 'plimsoll'
    rows.push(
      figure('ms', rule.name, 'event F1', row.f1, '', {
        ...(ours ? { ...atLeast(row.f1, 0.55), goal: '0.70' } : {}),
        detail: `${row.found}/${row.events} events, ${row.false} false = ${row.falsePerThousand.toFixed(2)} per 1,000 points, median delay ${row.medianDelayPoints} points`,
      }),
    )
  }
}

function nabRows(rows: BenchRow[], series: ReturnType<typeof loadNab>): void {
  const scores = series.map((s) => plimsollScores(s.at, s.value, 'gauge'))
  const result = scoreNab(series, scores)
  const windows = series.reduce((n, s) => n + s.windows.length, 0)
  rows.push(
    figure('nab', 'plimsoll', 'standard profile', result.score, '', {
      ...atLeast(result.score, 62),
      goal: '71',
      detail: `${series.length} files, ${windows} windows, threshold ${result.threshold.toFixed(3)}; halves at each other's threshold ${heldOutScore(
        series,
        scores,
      )
        .map((s) => s.toFixed(1))
        .join(' / ')}`,
    }),
  )
  const spread = series.map((s) => deviationScores(s.value))
  rows.push(
    figure('nab', '24 h deviations', 'standard profile', scoreNab(series, spread).score, '', {
      detail: 'distance from the mean of 288 points in standard deviations',
    }),
  )
}

/** The plainest score: distance from the running mean in running standard deviations. */
function deviationScores(value: Float64Array): Float64Array {
  let mean = 0
  let square = 0
  return value.map((v, i) => {
    const score = i > 50 ? Math.abs(v - mean) / Math.sqrt(Math.max(1e-12, square)) : 0
    const gain = 1 / Math.min(i + 1, 288)
    square += gain * ((v - mean) ** 2 - square)
    mean += gain * (v - mean)
    return score
  })
}

function speedRows(rows: BenchRow[]): void {
  const speed = speedResult()
  const cost = (measure: string, value: number, unit: string, more: Partial<BenchRow> = {}): void => {
    rows.push(figure('speed', 'plimsoll', measure, value, unit, more))
  }
  cost('value point', speed.pointNs, 'ns', atMost(speed.pointNs, 2000))
  cost('histogram point', speed.histogramPointNs, 'ns')
  cost('state of a series', speed.bytesPerSeries, 'B', atMost(speed.bytesPerSeries, 5120))
  cost('saved state', speed.savedBytes, 'B')
  const { latency, value, errors, throughput } = speed.heapBytes
  cost('latency detector in memory', latency, 'B', { ...atMost(latency, 6144), detail: 'fed with histograms' })
  cost('percentile detector in memory', value, 'B', atMost(value, 6144))
  cost('error detector in memory', errors, 'B', atMost(errors, 1536))
  cost('throughput detector in memory', throughput, 'B', { goal: '<= 1536' })
  cost(`${speed.endpoints} endpoints in memory`, speed.endpointsMegabytes, 'MB', {
    ...atMost(speed.endpointsMegabytes, 300),
    detail: 'three detectors each, with object headers',
  })
  cost('histogram add', speed.histogramAddNs, 'ns', atMost(speed.histogramAddNs, 60))
  cost('histogram of 600 requests', speed.histogramBytes600, 'B', atMost(speed.histogramBytes600, 300))
}

function print(rows: readonly BenchRow[]): void {
  const line = (...cells: string[]): void =>
    console.log(
      cells
        .map((cell, i) => cell.padEnd([9, 17, 36, 18, 9, 7, 4][i] ?? 0))
        .join(' ')
        .trimEnd(),
    )
  line('bench', 'rule', 'measure', 'value', 'bar', 'goal', 'met', 'detail')
  for (const row of rows) {
    const value = Math.abs(row.value) >= 100 ? row.value.toFixed(0) : row.value.toPrecision(3)
    line(
      row.bench,
      row.rule,
      row.measure,
      `${value} ${row.unit}`,
      row.bar ?? '',
      row.goal ?? '',
      row.met === undefined ? '' : row.met ? 'yes' : 'NO',
      row.detail ?? '',
    )
  }
}

function parse(argv: readonly string[]): { data: string; json: boolean; only?: Part } {
  const after = (name: string): string | undefined => {
    const at = argv.indexOf(name)
    return at < 0 ? undefined : argv[at + 1]
  }
  const text = after('--only')
  const only = PARTS.find((part) => part === text)
  if (text !== undefined && only === undefined) throw new Error(`--only takes one of ${PARTS.join(', ')}`)
  return {
    data: after('--data') ?? defaultData(),
    json: argv.includes('--json'),
    ...(only === undefined ? {} : { only }),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = parse(process.argv.slice(2))
  if (!existsSync(args.data)) {
    console.error(`no data at ${args.data}: set PLIMSOLL_DATA or pass --data`)
    process.exitCode = 2
  } else {
    const result = await detectBench(args)
    if (result.rows.some((row) => row.met === false)) process.exitCode = 1
  }
}
