/**
 * Scoreboard row 18, the honest null: invented SaaS tables whose churn follows from nothing in them (RavenStack), and real
 * rows whose labels were dealt anew. Nothing may be shown for either.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from '@plimsoll/customer-success/domain/learn/random.ts'
import { type Example, type Rows, rowsOf } from '@plimsoll/customer-success/domain/learn/rows.ts'
import { csvRows } from '../detect/csv.ts'
import { evidenceRows, type Scored, trainAndScore } from './learn.ts'
import type { CsRow } from './rows.ts'
import { loadTelco } from './telco.ts'

const DAY_MS = 86_400_000
const CUTS = ['2024-03-31', '2024-06-30', '2024-09-30'].map(dayOfDate)
const LEAD_DAYS = 7
const WINDOW_DAYS = 75

export function ravenstackRows(data: string): CsRow[] {
  const rows: CsRow[] = []
  const folder = join(data, 'customer-success')
  if (existsSync(join(folder, 'ravenstack-accounts.csv.gz'))) {
    const scored = trainAndScore(loadRavenstack(folder), { name: 'usageTrend', sign: -1 })
    const baselines = { auc: 'LR .62 [.54, .71]', rule: '.49' }
    rows.push(
      ...evidenceRows('18', 'RavenStack', scored, {}, baselines, 'usage fell'),
      nothingShown('RavenStack', scored),
    )
  }
  const telco = join(folder, 'ibm-telco.csv.gz')
  if (existsSync(telco)) {
    const scored = trainAndScore(shuffleLabels(loadTelco(telco), 1), { name: 'tenure', sign: -1 })
    rows.push(nothingShown('Telco, labels shuffled', scored))
  }
  return rows
}

function nothingShown(set: string, { evidence }: Scored): CsRow {
  const isShown = evidence.verdict === 'shown'
  return {
    bench: '18',
    rule: 'model',
    measure: `${set}: claims made`,
    value: isShown ? 1 : 0,
    unit: '',
    goal: '0',
    met: !isShown,
    detail: `AUC ${evidence.auc.value.toFixed(3)} [${evidence.auc.low.toFixed(3)}, ${evidence.auc.high.toFixed(3)}]: ${evidence.verdict}${evidence.reasons.map((reason) => `; ${reason}`).join('')}`,
  }
}

/** The same labels, each at another row (Fisher and Yates). */
function shuffleLabels(rows: Rows, seed: number): Rows {
  const random = createRandom(seed)
  const churned = Uint8Array.from(rows.churned)
  for (let i = churned.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const here = churned[i] ?? 0
    churned[i] = churned[j] ?? 0
    churned[j] = here
  }
  return { ...rows, churned }
}

function dayOfDate(date: string): number {
  return Date.parse(date.slice(0, 10)) / DAY_MS
}

type Dated = { readonly day: number; readonly amount: number }

function loadRavenstack(folder: string): Rows {
  const file = (name: string): string[][] => [...csvRows(join(folder, `ravenstack-${name}.csv.gz`))]
  const subscriptions = file('subscriptions')
  const accountOf = new Map(subscriptions.map(([subscription = '', account = '']) => [subscription, account]))
  const dated = (rows: string[][], account: (row: readonly string[]) => string, day: number, amount: number) =>
    Map.groupBy(
      rows.map((row) => ({ of: account(row), day: dayOfDate(row[day] ?? ''), amount: Number(row[amount] ?? 0) })),
      ({ of }) => of,
    )
  const usage = dated(file('feature_usage'), ([, subscription = '']) => accountOf.get(subscription) ?? '', 2, 4)
  const tickets = dated(file('support_tickets'), ([, account = '']) => account, 2, 4)
  const churns = dated(file('churn_events'), ([, account = '']) => account, 2, 4)
  const contracts = dated(subscriptions, ([, account = '']) => account, 2, 6)
  const names: string[] = []
  const examples = file('accounts').flatMap(([entity = '', , , , signup = '', , , seats]) =>
    CUTS.filter((cut) => dayOfDate(signup) < cut - 28).map((cut): Example => {
      const until = (of: ReadonlyMap<string, Dated[]>, days: number, back = 0): readonly Dated[] =>
        (of.get(entity) ?? []).filter(({ day }) => day <= cut - back && day > cut - back - days)
      const total = (list: readonly Dated[]): number => list.reduce((sum, { amount }) => sum + amount, 0)
      const features: Readonly<Record<string, number>> = {
        usageTrend: Math.log((total(until(usage, 28)) + 1) / (total(until(usage, 84, 28)) / 3 + 1)),
        usage28: total(until(usage, 28)),
        usageDays84: until(usage, 84).length,
        tickets84: until(tickets, 84).length,
        resolutionHours84: total(until(tickets, 84)),
        contracts: until(contracts, Infinity).length,
        mrr: total(until(contracts, Infinity)),
        churnsBefore: until(churns, Infinity).length,
        age: cut - dayOfDate(signup),
        seats: Number(seats),
      }
      if (names.length === 0) names.push(...Object.keys(features))
      return {
        entity,
        day: cut,
        features: Float64Array.from(Object.values(features)),
        churned: (churns.get(entity) ?? []).some(
          ({ day }) => day > cut + LEAD_DAYS && day <= cut + LEAD_DAYS + WINDOW_DAYS,
        ),
      }
    }),
  )
  return rowsOf(names, examples)
}
