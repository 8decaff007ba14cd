/** Scoreboard row 6: a contract churn snapshot (IBM Telco). No dates, so the split is by customer alone. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Example, type Rows, rowsOf } from '@plimsoll/customer-success/domain/learn/rows.ts'
import { csvRows } from '../detect/csv.ts'
import { evidenceRows, trainAndScore } from './learn.ts'
import type { CsRow } from './rows.ts'

const COLUMNS = [
  ...['customerID', 'gender', 'seniorCitizen', 'partner', 'dependents', 'tenure', 'phoneService', 'multipleLines'],
  ...['internetService', 'onlineSecurity', 'onlineBackup', 'deviceProtection', 'techSupport', 'streamingTV'],
  ...['streamingMovies', 'contract', 'paperlessBilling', 'paymentMethod', 'monthlyCharges', 'totalCharges', 'churn'],
] as const
type Column = (typeof COLUMNS)[number]

const YES_OR_NO = [
  ...(['partner', 'dependents', 'phoneService', 'multipleLines', 'onlineSecurity', 'onlineBackup'] as const),
  ...(['deviceProtection', 'techSupport', 'streamingTV', 'streamingMovies', 'paperlessBilling'] as const),
]
const CONTRACT_MONTHS: Readonly<Record<string, number>> = { 'Month-to-month': 1, 'One year': 12, 'Two year': 24 }

export function telcoRows(data: string): CsRow[] {
  const path = join(data, 'customer-success', 'ibm-telco.csv.gz')
  if (!existsSync(path)) return []
  const scored = trainAndScore(loadTelco(path), { name: 'tenure', sign: -1 })
  const goals = { auc: 0.86, averagePrecision: 0.69, brier: 0.129, calibrationError: 0.015 }
  const baselines = { auc: 'LR .856 [.837, .870]', averagePrecision: '.679', brier: '.130', calibrationError: '.023' }
  return evidenceRows('6', 'Telco', scored, goals, baselines, 'shortest tenure')
}

export function loadTelco(path: string): Rows {
  const names: string[] = []
  const examples = [...csvRows(path)].map((cells): Example => {
    const read = (column: Column): string => cells[COLUMNS.indexOf(column)] ?? ''
    const is = (column: Column, value: string): number => (read(column) === value ? 1 : 0)
    const [tenure, monthly] = [Number(read('tenure')), Number(read('monthlyCharges'))]
    const total = Number(read('totalCharges'))
    const features: Readonly<Record<string, number>> = {
      ...Object.fromEntries(YES_OR_NO.map((column) => [column, is(column, 'Yes')])),
      senior: Math.max(is('seniorCitizen', '1'), is('seniorCitizen', 'Yes')),
      female: is('gender', 'Female'),
      tenure,
      monthlyCharges: monthly,
      totalCharges: total,
      contractMonths: CONTRACT_MONTHS[read('contract')] ?? Number.NaN,
      fiber: is('internetService', 'Fiber optic'),
      dsl: is('internetService', 'DSL'),
      electronicCheck: is('paymentMethod', 'Electronic check'),
      automaticPayment: read('paymentMethod').includes('automatic') ? 1 : 0,
    }
    if (names.length === 0) names.push(...Object.keys(features))
    return {
      entity: read('customerID'),
      day: 0,
      features: Float64Array.from(names, (name) => features[name] ?? Number.NaN),
      churned: read('churn') === 'Yes',
    }
  })
  return rowsOf(names, examples)
}
