/** What actions did: the randomised actions of cs-sim, and planted effects (row 17). */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from '@plimsoll/customer-success/domain/learn/random.ts'
import { estimateOf, shrink } from '../../../services/customer-success/domain/effect/pooling.ts'
import type { Interval, Proportion } from '../../../services/customer-success/domain/effect/proportions.ts'
import { type EffectReport, reportEffect } from '../../../services/customer-success/domain/effect/report.ts'
import { mayContact } from '../../../services/customer-success/domain/playbook/suppression.ts'
import { assign } from '../../../services/customer-success/events/assignment.ts'
import { csvRows } from '../detect/csv.ts'
import { cssimFolder } from './cssim.ts'
import type { CsRow } from './rows.ts'

const HOLDOUT_SHARE = 0.2
const LEAST_EFFECT = 0.1

/** Row 17 on the recording: the share of episodes that recovered, of those acted on and of those held out, by trigger. */
function recordedRows(data: string): CsRow[] {
  const folder = cssimFolder(data)
  if (!existsSync(join(folder, 'actions.csv.gz'))) {
    console.error(`ABSENT: customer-success/cs-sim under ${data}: its rows are missing from this run`)
    return []
  }
  const arms = armsOf(folder)
  const reports = [...arms].map(([trigger, { treated, heldOut }]) => ({
    trigger,
    report: reportEffect(treated, heldOut, { holdoutShare: HOLDOUT_SHARE, leastEffect: LEAST_EFFECT }),
  }))
  const pooled = shrink([...arms.values()].map(({ treated, heldOut }) => estimateOf(treated, heldOut)))
  return reports.flatMap(({ trigger, report }, index): CsRow[] => [
    {
      ...{ bench: '17', rule: 'hold-out', measure: `cs-sim, recovered by acting on ${trigger}`, unit: '' },
      ...{ value: report.effect, detail: describe(report) },
    },
    {
      ...{ bench: '17', rule: 'pooled', measure: `cs-sim, recovered by acting on ${trigger}`, unit: '' },
      ...{ value: pooled[index]?.effect ?? 0, detail: bounds(pooled[index]?.interval) },
    },
  ])
}

const bounds = (interval: Interval | undefined): string => `[${interval?.low.toFixed(3)}, ${interval?.high.toFixed(3)}]`

function describe({
  treated,
  heldOut,
  interval,
  sampleRatio: ratio,
  minimumDetectable,
  verdict,
}: EffectReport): string {
  const counts = `${treated.reached}/${treated.n} against ${heldOut.reached}/${heldOut.n}`
  return `${bounds(interval)}, ${counts}, ratio p ${ratio.p.toFixed(3)}, detectable ${minimumDetectable.toFixed(3)}: ${verdict}`
}

type Arms = { readonly treated: Proportion; readonly heldOut: Proportion }

/** An action belongs to the last episode of its cause that had begun; those without one are not counted. */
function armsOf(folder: string): Map<string, Arms> {
  const episodes = Map.groupBy(csvRows(join(folder, 'outcomes.csv.gz')), ([account, , cause]) => `${account}|${cause}`)
  const arms = new Map<string, Arms>()
  for (const [account = '', day, trigger = '', arm] of csvRows(join(folder, 'actions.csv.gz'))) {
    const begun = (episodes.get(`${account}|${trigger}`) ?? []).filter((one) => Number(one[3]) <= Number(day))
    const episode = begun.reduce<string[] | undefined>(
      (last, one) => (last === undefined || Number(one[3]) > Number(last[3]) ? one : last),
      undefined,
    )
    if (episode === undefined) continue
    const { treated, heldOut } = arms.get(trigger) ?? { treated: EMPTY, heldOut: EMPTY }
    const isReached = episode[4] === '1'
    arms.set(
      trigger,
      arm === 'holdout'
        ? { treated, heldOut: counted(heldOut, isReached) }
        : { treated: counted(treated, isReached), heldOut },
    )
  }
  return arms
}

const EMPTY: Proportion = { successes: 0, n: 0 }
const counted = ({ successes, n }: Proportion, isReached: boolean): Proportion => ({
  successes: successes + Number(isReached),
  n: n + 1,
})

/** Share that reaches the goal when left alone, what acting adds, and accounts triggered: small to large, null included. */
const PLANTED = [
  { left: 0.55, adds: 0.15, accounts: 250 },
  { left: 0.5, adds: 0.18, accounts: 400 },
  { left: 0.5, adds: 0.4, accounts: 170 },
  { left: 0.08, adds: 0.1, accounts: 800 },
  { left: 0.7, adds: 0, accounts: 400 },
] as const
const SEEDS = 400

/** Row 17 by simulation: accounts put in their arms as the service does it, outcomes drawn from planted rates. */
function plantedRows(): CsRow[] {
  const seen = {
    intervals: 0,
    inside: 0,
    insideFirst: 0,
    pooledInside: 0,
    false: 0,
    contacted: 0,
    assigned: 0,
    heldOut: 0,
  }
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = createRandom(seed)
    const arms = PLANTED.map((action, index) => simulate(action, `${seed}.${index}`, random, seen))
    const pooled = shrink(arms.map(({ treated, heldOut }) => estimateOf(treated, heldOut)))
    arms.forEach(({ treated, heldOut }, index) => {
      const { adds } = PLANTED[index] as (typeof PLANTED)[number]
      const report = reportEffect(treated, heldOut, { holdoutShare: HOLDOUT_SHARE, leastEffect: LEAST_EFFECT })
      const isInside = contains(report.interval, adds)
      seen.intervals += 1
      seen.inside += Number(isInside)
      if (seed <= 20) seen.insideFirst += Number(isInside)
      seen.pooledInside += Number(contains((pooled[index] as (typeof pooled)[number]).interval, adds))
      const isFalse = adds === 0 ? report.verdict === 'works' || report.verdict === 'harms' : report.verdict === 'harms'
      seen.false += Number(isFalse)
    })
  }
  const share = (count: number, of: number): number => (100 * count) / of
  const covers = share(seen.inside, seen.intervals)
  const row = (measure: string, value: number, unit: string, more: Partial<CsRow>): CsRow => ({
    ...{ bench: '17', rule: 'hold-out', measure, value, unit },
    ...more,
  })
  return [
    row('planted effects inside 95 %, 20 seeds x 5', share(seen.insideFirst, 100), '%', { goal: '93-97' }),
    row(`planted effects inside 95 %, ${SEEDS} seeds x 5`, covers, '%', {
      ...{ goal: '93-97', met: covers >= 93 && covers <= 97, detail: `${seen.inside}/${seen.intervals}` },
    }),
    row('planted effects inside 95 % after pooling', share(seen.pooledInside, seen.intervals), '%', { rule: 'pooled' }),
    row('claims of the wrong sign, or where there is nothing', share(seen.false, seen.intervals), '%', {
      ...{ goal: '<= 2.5', met: share(seen.false, seen.intervals) <= 2.5, detail: `${seen.false}/${seen.intervals}` },
    }),
    row('held-out accounts contacted', seen.contacted, '', {
      ...{ goal: '0', met: seen.contacted === 0, detail: `of ${seen.heldOut} held out of ${seen.assigned}` },
    }),
  ]
}

const contains = ({ low, high }: Interval, value: number): boolean => low <= value && value <= high

/** Everybody is about to be contacted: what keeps the held out from it is what keeps them in the service. */
function simulate(
  { left, adds, accounts }: (typeof PLANTED)[number],
  playbook: string,
  random: () => number,
  seen: { contacted: number; assigned: number; heldOut: number },
): Arms {
  let arms: Arms = { treated: EMPTY, heldOut: EMPTY }
  for (let account = 0; account < accounts; account++) {
    const arm = assign(playbook, `${playbook}.${account}`, { control: 0.05, holdout: HOLDOUT_SHARE })
    const isSent = mayContact({ ...OPEN, arm }, POLICY).kind === 'send'
    const isReached = random() < left + (isSent ? adds : 0)
    seen.assigned += 1
    seen.heldOut += Number(arm !== 'treated')
    seen.contacted += Number(isSent && arm !== 'treated')
    if (arm === 'treated') arms = { ...arms, treated: counted(arms.treated, isReached) }
    if (arm === 'holdout') arms = { ...arms, heldOut: counted(arms.heldOut, isReached) }
  }
  return arms
}

const OPEN = {
  nowMs: 0,
  channel: 'in_app',
  person: { doNotContact: false, consent: true, timeZone: 'UTC' },
  personContactedMs: [],
  accountContactedMs: [],
  isSleepingDog: false,
  before: undefined,
} as const
const POLICY = { perPerson: 2, perAccount: 5, withinDays: 7, quietFromHour: 19, quietToHour: 8 }

export const effectRows = (data: string): CsRow[] => [...recordedRows(data), ...plantedRows()]
