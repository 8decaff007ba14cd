/**
 * Episodes: opened by a change, ended by eight windows back inside the usual band, or accepted when the change has stayed
 * so long that it is how things are now. While one is open nothing is learnt.
 */

import { type Change, findChange, levelsSince } from './change.ts'
import {
  ACCEPT_SECONDS,
  ACCEPT_WINDOWS,
  BACK_IN_BAND,
  CONFIRMED,
  type Detector,
  FIELDS,
  LAG,
  QUIET,
  RECENT,
  SUSPECTED,
  type Track,
  Y,
} from './detectorstate.ts'
import { clearProfile, forgetStaged } from './profile.ts'
import { clearReference, push } from './reference.ts'
import { resetShift, shiftEvidence } from './shift.ts'
import { BURST_WINDOWS, conclude, type Verdict } from './verdict.ts'

/** Score that counts as inside the usual band again. */
const BAND = 1.3

export function lookForChange(d: Detector, t: Track, at: number, needed: number): Verdict | undefined {
  const up = shiftEvidence(t.shift, 1)
  const down = shiftEvidence(t.shift, -1)
  if (up < needed && down < needed) return undefined
  const change = findChange(d, t, 1, up, at, needed) ?? findChange(d, t, -1, down, at, needed)
  if (change === undefined) return undefined
  d.direction = change.direction
  if (t.formerUntil > at && Math.abs(change.after - t.former) < Math.abs(change.after - change.before) / 2) {
    t.formerUntil = 0
    return conclude(d, t, 'resolved', change, () => rebaseline(d, t, change.onset))
  }
  if (isImprovement(d, change)) {
    return conclude(d, t, 'accepted', change, () => rebaseline(d, t, change.onset))
  }
  open(d, t, at, change)
  return conclude(d, t, d.state === CONFIRMED ? 'confirmed' : 'suspected', change)
}

/** Better is no incident, unless latency halves at once: requests that fail fast look like that. */
function isImprovement(d: Detector, change: Change): boolean {
  switch (d.kind) {
    case 'latency':
      return change.direction < 0 && change.after > change.before - Math.LN2
    case 'throughput':
      return change.direction > 0
    case 'errors':
    case 'saturation':
      return change.direction < 0
    case 'gauge':
      return false
  }
}

function open(d: Detector, t: Track, at: number, change: Change): void {
  const windows = d.seen - change.onset
  d.state = windows <= BURST_WINDOWS && d.interval < 120 ? SUSPECTED : CONFIRMED
  d.direction = change.direction
  d.openedAt = at
  t.onset = change.onset
  d.backInBand = 0
  t.windowsOpen = 0
  t.agreeing = windows
  // What was about to teach the reference is held back from the onset on.
  t.admitted = Math.max(t.admitted, Math.min(d.seen, change.onset))
  if (t.profile !== undefined) forgetStaged(t.profile)
  resetShift(t.shift)
}

export function followEpisode(d: Detector, t: Track, at: number, needed: number, score: number): Verdict | undefined {
  const opposite = shiftEvidence(t.shift, -d.direction)
  if (opposite >= needed) {
    const change = findChange(d, t, -d.direction, opposite, at, needed)
    if (change !== undefined && !isImprovement(d, change)) {
      open(d, t, at, change)
      return conclude(d, t, d.state === CONFIRMED ? 'confirmed' : 'suspected', change)
    }
  }
  const inside = d.direction * score < BAND
  t.windowsOpen++
  if (!inside) t.agreeing++
  d.backInBand = inside ? d.backInBand + 1 : 0
  const level = levelsSince(d, t, t.onset)
  const now: Change = { direction: d.direction, onset: t.onset, ...level, evidence: 0 }
  if (d.backInBand >= BACK_IN_BAND) {
    t.episodeFrom = t.onset
    t.episodeTo = d.seen - BACK_IN_BAND
    t.admitted = Math.max(t.admitted, d.seen - RECENT + 1)
    return conclude(d, t, 'resolved', now, () => {
      d.state = QUIET
      resetShift(t.shift)
    })
  }
  if (d.state === SUSPECTED && t.windowsOpen <= 5 && t.agreeing >= 3 && !inside) {
    d.state = CONFIRMED
    return conclude(d, t, 'confirmed', { ...now, evidence: shiftEvidence(t.shift, d.direction) })
  }
  // Sharp falls of latency or errors are watched only until they can be described.
  const patience =
    d.direction < 0 && d.kind === 'latency' ? LAG * d.interval : Math.max(ACCEPT_SECONDS, ACCEPT_WINDOWS * d.interval)
  if (at - d.openedAt < patience) return undefined
  t.former = level.before
  t.formerUntil = at + 5 * patience
  return conclude(d, t, 'accepted', now, () => rebaseline(d, t, t.onset))
}

/** The windows since the onset become the reference. */
function rebaseline(d: Detector, t: Track, onset: number): void {
  d.state = QUIET
  resetShift(t.shift)
  clearReference(t.reference)
  if (t.profile !== undefined) clearProfile(t.profile)
  t.admitted = Math.max(0, d.seen - RECENT + 1, onset)
  // A rank score against the old reference means nothing against the new one: histogram series start over.
  if (t.profile !== undefined) t.admitted = d.seen
  for (; t.admitted < d.seen; t.admitted++) push(t.reference, t.recent[FIELDS * (t.admitted % RECENT) + Y] ?? 0)
}
