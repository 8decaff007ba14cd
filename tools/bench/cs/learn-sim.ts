/**
 * Scoreboard rows 12 (learned) and 19: the model of the service on the simulated product log, from the snapshots the
 * service itself scores, in weeks, of accounts of at least 28 days; churned = cancels in (T + 7, T + 37]. Accounts that
 * cancel within the lead are left out: nobody could still be asked. Split by account, and scored every two weeks; beside it
 * what the service does when it fits: all accounts, split by time.
 */

import {
  fitCandidate,
  type History,
  type KeptDay,
  labelledRows,
} from '@plimsoll/customer-success/domain/learn/candidate.ts'
import { FEATURE_NAMES, featuresOf, RULE } from '@plimsoll/customer-success/domain/learn/features.ts'
import { score } from '@plimsoll/customer-success/domain/learn/model.ts'
import { featuresAt, type Rows } from '@plimsoll/customer-success/domain/learn/rows.ts'
import { type Cssim, loadCssim } from './cssim.ts'
import { evidenceRows, interval, type Scored, trainAndScore } from './learn.ts'
import type { CsRow } from './rows.ts'

const STEP_DAYS = 7
const FIRST_SCORED_DAY = 56
const SCORED_EVERY_DAYS = 14
const LEAST_AGE_DAYS = 28
const SCORED_ACCOUNTS = 10_000

export function learnSimRows(data: string): CsRow[] {
  const sim = loadCssim(data)
  if (sim === undefined) return []
  const rows = labelledRows(historyOf(sim), sim.lastDay)
  const isScored = (day: number): boolean =>
    day >= FIRST_SCORED_DAY && (day - FIRST_SCORED_DAY) % SCORED_EVERY_DAYS === 0
  const scored = trainAndScore(rows, { name: RULE.feature, sign: RULE.sign }, isScored)
  const baselines = { auc: '.674 [.651, .698]' }
  return [
    ...evidenceRows('12', 'cs-sim', scored, { auc: 0.71 }, baselines, 'users fell'),
    nightRow(rows),
    ...speedRows(rows, scored),
  ]
}

function historyOf(sim: Cssim): History {
  const cancelledOn = new Map<string, number>()
  for (const { accountId, subscription } of sim.accounts)
    if (subscription?.cancelledDay !== undefined) cancelledOn.set(accountId, subscription.cancelledDay)
  const days: KeptDay[] = []
  for (let day = 0; day <= sim.lastDay; day += STEP_DAYS) {
    const snapshots = sim.snapshotsAt(day).filter(({ startedDay }) => day - startedDay >= LEAST_AGE_DAYS)
    const values = Float64Array.from(snapshots.flatMap((snapshot) => [...featuresOf(snapshot)]))
    days.push({ day, names: FEATURE_NAMES, accountIds: snapshots.map(({ accountId }) => accountId), values })
  }
  return { days, cancelledOn }
}

/** The candidate of the last day: fitted to what was known when the newest quarter of the weeks began, tested on it. */
function nightRow(rows: Rows): CsRow {
  const { isPromoted, reasons, backtest } = fitCandidate(rows, undefined)
  const row = { bench: '12', rule: 'model at night', measure: 'cs-sim newest quarter AUC', unit: '' }
  const verdict = isPromoted ? 'in use' : reasons.join('; ')
  if (backtest === undefined) return { ...row, value: Number.NaN, detail: verdict }
  const { auc, gain, calibrationError } = backtest
  const figures = `${interval(auc)}, +${gain.value.toFixed(3)} ${interval(gain)} over the rule`
  return { ...row, value: auc.value, detail: `${figures}, ECE ${calibrationError.toFixed(3)}: ${verdict}` }
}

/** Scoring with drivers of as many accounts as asked for: the rows there are, over and over. */
function speedRows(rows: Rows, { model, trainSeconds }: Scored): CsRow[] {
  const accounts = Array.from({ length: SCORED_ACCOUNTS }, (_, i) => featuresAt(rows, i % rows.churned.length))
  const before = process.cpuUsage().user
  let worst = 0
  for (const features of accounts) {
    const { probability, base, drivers } = score(model, features)
    const sum = drivers.reduce((total, { logOdds }) => total + logOdds, base)
    worst = Math.max(worst, Math.abs(sum - Math.log(probability / (1 - probability))))
  }
  const seconds = (process.cpuUsage().user - before) / 1e6
  const row = { bench: '19', rule: 'model' } as const
  return [
    {
      ...row,
      measure: '10,000 accounts scored with drivers',
      value: seconds,
      unit: 's CPU',
      baseline: '25-93 us a row',
      goal: '<= 2',
      met: seconds <= 2,
    },
    {
      ...row,
      measure: 'drivers miss the log odds by at most',
      value: worst,
      unit: '',
      goal: '<= 1e-9',
      met: worst <= 1e-9,
    },
    {
      ...row,
      measure: 'training',
      value: trainSeconds,
      unit: 's CPU',
      baseline: 'LR .2-.9, GBDT 1-7',
      detail: `${model.trainedOn.rows} rows, ${model.names.length} features, ${model.members.length} folds`,
    },
  ]
}
