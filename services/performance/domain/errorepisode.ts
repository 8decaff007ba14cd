/** Episodes of an error series: opened by the evidence of errors.ts, ended like those of a level. */

import {
  ACCEPT_SECONDS,
  ACCEPT_WINDOWS,
  BACK_IN_BAND,
  CONFIRMED,
  type Detector,
  ESTABLISHED,
  QUIET,
} from './detectorstate.ts'
import { acceptErrors, alarmingRate, createErrors, errorsMatter, feedErrors, learnErrors, usualRate } from './errors.ts'
import { errorVerdict, type Verdict } from './verdict.ts'

export function observeRatio(d: Detector, at: number, k: number, n: number): Verdict | undefined {
  if (!(n > 0) || !(k >= 0) || k > n) return undefined
  d.errors ??= createErrors()
  const e = d.errors
  d.seen++
  if (e.windows < ESTABLISHED) {
    learnErrors(e, k, n)
    return undefined
  }
  const evidence = feedErrors(e, at, k, n)
  const needed = Math.log(d.options.falseAlarmWindows)
  if (d.state === QUIET) {
    if (evidence < needed || !errorsMatter(e)) {
      learnErrors(e, k, n)
      return undefined
    }
    d.state = CONFIRMED
    d.direction = 1
    d.openedAt = at
    d.backInBand = 0
    return errorVerdict(d, e, 'confirmed')
  }
  const usual = k <= 1 ? k / n < alarmingRate(e) : k / n < (usualRate(e) + alarmingRate(e)) / 2
  d.backInBand = usual ? d.backInBand + 1 : 0
  if (d.backInBand >= BACK_IN_BAND) {
    const verdict = errorVerdict(d, e, 'resolved')
    d.state = QUIET
    e.evidence = 0
    return verdict
  }
  if (at - d.openedAt < Math.max(ACCEPT_SECONDS, ACCEPT_WINDOWS * d.interval)) return undefined
  const verdict = errorVerdict(d, e, 'accepted')
  d.state = QUIET
  acceptErrors(e)
  return verdict
}
