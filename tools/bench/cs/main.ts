/**
 * The scoreboard of customer success, on recorded data and on real servers.
 *
 *   node tools/bench/cs/main.ts [--json] [--data DIR] [--only PART[,PART]]
 *
 * Data root: --data, PLIMSOLL_DATA or ../shared/data beside the repository. A part whose data is absent says so and its
 * rows are left out. The definitions of the measures are in the files that compute them, one a part.
 */

import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { defaultData } from '../detect/main.ts'
import type { CsRow } from './rows.ts'

type Part = (data: string) => readonly CsRow[] | Promise<readonly CsRow[]>

/** Loaded by need: a part alone should not pay for the others. */
const parts: Readonly<Record<string, () => Promise<Part>>> = {
  counts: async () => (await import('./usage.ts')).countRows,
  throughput: async () => (await import('./usage.ts')).throughputRows,
  telco: async () => (await import('./telco.ts')).telcoRows,
  collegemsg: async () => (await import('./collegemsg.ts')).collegeMsgRows,
  cdnow: async () => (await import('./cdnow.ts')).cdnowRows,
  health: async () => (await import('./health.ts')).healthRows,
  risk: async () => (await import('./risk.ts')).riskRows,
  learnsim: async () => (await import('./learn-sim.ts')).learnSimRows,
  churnsim: async () => (await import('./churnsim.ts')).churnsimRows,
  null: async () => (await import('./ravenstack.ts')).ravenstackRows,
  cookiecats: async () => (await import('./cookiecats.ts')).cookieCatsRows,
  effect: async () => (await import('./effect.ts')).effectRows,
}

async function csBench(args: { data: string; json: boolean; only: readonly string[] }): Promise<CsRow[]> {
  const rows: CsRow[] = []
  for (const name of args.only) rows.push(...((await (await parts[name]?.())?.(args.data)) ?? []))
  if (args.json) console.log(JSON.stringify({ data: args.data, rows }, null, 2))
  else print(rows)
  return rows
}

function print(rows: readonly CsRow[]): void {
  const table = [
    ['row', 'rule', 'measure', 'value', 'baseline', 'goal', 'met', 'detail'],
    ...rows.map((row) => [
      row.bench,
      row.rule,
      row.measure,
      `${figure(row.value)} ${row.unit}`.trimEnd(),
      row.baseline ?? '',
      row.goal ?? '',
      row.met === undefined ? '' : row.met ? 'yes' : 'NO',
      row.detail ?? '',
    ]),
  ]
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)))
  for (const cells of table)
    console.log(
      cells
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
}

const figure = (value: number): string =>
  Number.isInteger(value) || Math.abs(value) >= 1_000 ? value.toFixed(0) : value.toPrecision(4)

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: defaultData() },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(parts).join(',') },
  },
})
const only = values.only.split(',').filter((name) => name !== '')
const unknown = only.filter((name) => !Object.hasOwn(parts, name))
if (unknown.length > 0) {
  console.error(`--only takes ${Object.keys(parts).join(', ')}; there is no ${unknown.join(', ')}`)
  process.exitCode = 2
} else if (!existsSync(values.data)) {
  console.error(`no data at ${values.data}: set PLIMSOLL_DATA or pass --data`)
  process.exitCode = 2
} else {
  const rows = await csBench({ data: values.data, json: values.json, only })
  if (rows.some((row) => row.met === false)) process.exitCode = 1
}
