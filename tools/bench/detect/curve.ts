/**
 * Operating curve of the detector on the Nezha days: what each false-alarm budget costs in quiet hours and finds in steps
 * and faults, per day, and what a budget chosen on one day does on another.
 *
 *   node tools/bench/detect/curve.ts [data root]
 */

import { defaultData } from './main.ts'
import { faultRow, loadNezha, type NezhaData, quietRow, stepRow, usable } from './quiet.ts'
import { plimsollWith } from './rules.ts'

const BUDGETS = [150, 300, 450, 600, 800, 1200, 2400]
/** The bar of the bench, and a stricter one: a recording of seven service-days meets that with no alert at all. */
const LIMITS = [0.2, 0.12]
const SEEDS = 10

type Point = { budget: number; alerts: number; days: number; steps: number[]; seen: number; faults: number }

function measure(data: NezhaData, budget: number): Point {
  const rule = plimsollWith({ falseAlarmWindows: budget })
  const quiet = quietRow(rule, data.latency.filter(usable), data.faults)
  const fault = faultRow(rule, data, false)
  const steps = [1.2, 1.5, 2].map((factor) => 100 * stepRow(rule, data.latency, data.faults, factor, SEEDS).share)
  return { budget, alerts: quiet.alerts, days: quiet.serviceDays, steps, seen: fault.seen, faults: fault.tried }
}

function describe(label: string, point: Point): string {
  const { budget, alerts, days, steps, seen, faults } = point
  const rate = `${(alerts / days).toFixed(2)} a service-day (${alerts} in ${days.toFixed(1)})`
  return `${label.padEnd(34)} ${String(budget).padStart(5)}  ${rate.padEnd(32)} ${steps
    .map((s) => s.toFixed(0))
    .join('/')
    .padEnd(10)} ${seen}/${faults}`
}

const data = loadNezha(process.argv[2] ?? defaultData())
const days = [...new Set(data.latency.map((series) => series.day))].sort()
const curves = days.map((day) => {
  const on = <T extends { readonly day: string }>(rows: readonly T[]): T[] => rows.filter((row) => row.day === day)
  const ofDay = { latency: on(data.latency), edges: [], faults: on(data.faults) }
  return { day, points: BUDGETS.map((budget) => measure(ofDay, budget)) }
})

console.log(`${'day'.padEnd(34)} ${'budget'}  ${'quiet alerts, usable series'.padEnd(31)} ${'+20/50/100'} faults`)
for (const { day, points } of curves) for (const point of points) console.log(describe(day, point))
// The smallest budget that is quiet enough on one day, scored on every other.
for (const limit of LIMITS) {
  for (const chosen of curves) {
    const pick = chosen.points.findIndex(({ alerts, days: n }) => alerts / n <= limit)
    for (const scored of curves) {
      const point = scored.points[pick]
      if (scored === chosen || point === undefined) continue
      console.log(describe(`<= ${limit} ${chosen.day}, ${scored.day}`, point))
    }
  }
}
