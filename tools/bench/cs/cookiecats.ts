/** Scoreboard row 16: the published Cookie Cats experiment (a gate moved from level 30 to 40), from its counts alone. */

import { compareProportions, sampleRatio } from '@plimsoll/customer-success/domain/effect/proportions.ts'
import type { CsRow } from './rows.ts'

/** Players an arm and those who came back on day 7, as published with the data set. */
const GATE_30 = { successes: 8_502, n: 44_700 }
const GATE_40 = { successes: 8_279, n: 45_489 }

/** The goals are customer-success.md's, section 7: equal when rounded to as many digits. */
export function cookieCatsRows(_data: string): CsRow[] {
  const { difference, interval, z, p } = compareProportions(GATE_30, GATE_40)
  const ratio = sampleRatio(GATE_30.n, GATE_40.n)
  const row = (measure: string, value: number, goal: string): CsRow => {
    const digits = goal.split('.')[1]?.length ?? 0
    return { bench: '16', rule: 'report', measure, value, unit: '', goal, met: value.toFixed(digits) === goal }
  }
  return [
    row('Cookie Cats day 7, gate 40 less gate 30', difference, '-0.008201'),
    row('low end', interval.low, '-0.013282'),
    row('high end', interval.high, '-0.003121'),
    row('z', z, '-3.164'),
    row('p', p, '0.00155'),
    row('sample ratio chi2', ratio.chi2, '6.902'),
    {
      ...row('sample ratio p', ratio.p, '0.00861'),
      detail: ratio.p < 0.01 ? 'ALARM: arms are not as large as meant' : '',
    },
  ]
}
