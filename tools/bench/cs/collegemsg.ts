/**
 * Scoreboard row 10: who falls silent on a social network (CollegeMsg, real messages). Every week, of those who sent a
 * message within 14 days: churned = sends nothing in the 14 days that begin after a lead of 3. By this definition the
 * simple rule, days since the last message, reaches about what the scoreboard gives for it (.749) in the first eight
 * weeks, while the network is alive; the weeks in which it dies are a set of their own.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Example, type Rows, rowsOf } from '@plimsoll/customer-success/domain/learn/rows.ts'
import { csvRows } from '../detect/csv.ts'
import { evidenceRows, trainAndScore } from './learn.ts'
import type { CsRow } from './rows.ts'

const ELIGIBLE_DAYS = 14
const LEAD_DAYS = 3
const WINDOW_DAYS = 14
const EARLY_DAYS = 56
const DAY_SECONDS = 86_400

/** `at` in days since the first message. */
export type Message = { readonly from: string; readonly to: string; readonly at: number }

export function collegeMsgRows(data: string): CsRow[] {
  const path = join(data, 'customer-success', 'collegemsg.csv.gz')
  if (!existsSync(path)) return []
  const messages = readMessages(path)
  const last = messages.at(-1)?.at ?? 0
  const cuts: number[] = []
  for (let cut = 14; cut + LEAD_DAYS + WINDOW_DAYS <= last; cut += 7) cuts.push(cut)
  const score = (set: string, days: readonly number[]): CsRow[] =>
    evidenceRows(
      '10',
      `CollegeMsg, ${set}:`,
      trainAndScore(messageRows(messages, days), { name: 'recency', sign: 1 }),
      set === 'alive' ? { auc: 0.8 } : {},
      set === 'alive' ? { auc: 'GBDT .774 [.729, .811]', rule: '.749' } : {},
      'days silent',
    )
  return [
    ...score(
      'alive',
      cuts.filter((cut) => cut <= EARLY_DAYS),
    ),
    ...score('all weeks', cuts),
  ]
}

function readMessages(path: string): Message[] {
  const seconds = [...csvRows(path)].map(([from = '', to = '', at]) => ({ from, to, at: Number(at) }))
  const first = seconds.reduce((least, { at }) => Math.min(least, at), Infinity)
  return seconds.map(({ from, to, at }) => ({ from, to, at: (at - first) / DAY_SECONDS })).sort((a, b) => a.at - b.at)
}

/** @param messages by time */
export function messageRows(messages: readonly Message[], cuts: readonly number[]): Rows {
  const sent = Map.groupBy(messages, ({ from }) => from)
  const received = Map.groupBy(messages, ({ to }) => to)
  const names: string[] = []
  const examples: Example[] = []
  for (const cut of cuts) {
    const until = (list: readonly Message[] = []): Message[] => list.filter(({ at }) => at <= cut)
    const network = networkAt(messages, cut)
    for (const [person, all] of sent) {
      const own = until(all)
      if (cut - (own.at(-1)?.at ?? -Infinity) > ELIGIBLE_DAYS) continue
      const features = featuresOfPerson(own, until(received.get(person)), network, cut)
      if (names.length === 0) names.push(...Object.keys(features))
      examples.push({
        entity: person,
        day: cut,
        features: Float64Array.from(Object.values(features)),
        churned: !all.some(({ at }) => at > cut + LEAD_DAYS && at <= cut + LEAD_DAYS + WINDOW_DAYS),
      })
    }
  }
  return rowsOf(names, examples)
}

type Network = {
  readonly lastSent: ReadonlyMap<string, number>
  readonly active7: number
  readonly active7Before: number
}

function networkAt(messages: readonly Message[], cut: number): Network {
  const lastSent = new Map<string, number>()
  for (const { from, at } of messages) if (at <= cut) lastSent.set(from, at)
  const active = (since: number, until: number): number =>
    new Set(messages.filter(({ at }) => at > since && at <= until).map(({ from }) => from)).size
  return { lastSent, active7: active(cut - 7, cut), active7Before: active(cut - 14, cut - 7) }
}

function featuresOfPerson(
  sent: readonly Message[],
  received: readonly Message[],
  network: Network,
  cut: number,
): Record<string, number> {
  const [first = cut, last = cut] = [sent.at(0)?.at, sent.at(-1)?.at]
  const days = [...new Set(sent.map(({ at }) => Math.floor(at)))]
  const since = (list: readonly Message[], back: number): number => list.filter(({ at }) => at > cut - back).length
  const activeDays = (back: number): number => days.filter((day) => day > cut - back - 1).length
  /** Active days that fade by half every `half` days. */
  const faded = (half: number): number => Math.log(0.01 + days.reduce((sum, day) => sum + 2 ** ((day - cut) / half), 0))
  const [sent7, sent14, sent28] = [since(sent, 7), since(sent, 14), since(sent, 28)]
  return {
    recency: cut - last,
    tenure: cut - first,
    sent3: since(sent, 3),
    sent7,
    sent14,
    sent28,
    received3: since(received, 3),
    received7: since(received, 7),
    received14: since(received, 14),
    activeDays7: activeDays(7),
    activeDays14: activeDays(14),
    activeDays28: activeDays(28),
    activeDays: days.length,
    sent: sent.length,
    activeShare: days.length / Math.max(1, cut - first),
    trend7: Math.log((sent7 + 1) / (sent14 - sent7 + 1)),
    trend14: Math.log((sent14 + 1) / (sent28 - sent14 + 1)),
    faded2: faded(2),
    faded6: faded(6),
    faded20: faded(20),
    ...rhythm(days, cut - last),
    lastReceived: cut - (received.at(-1)?.at ?? Number.NaN),
    receivedSince: received.filter(({ at }) => at > last).length,
    ...company(sent, received, network, cut),
    networkActive: network.active7,
    networkTrend: Math.log(network.active7 / network.active7Before),
  }
}

/** The present silence beside this person's own gaps. */
function rhythm(days: readonly number[], recency: number): Record<string, number> {
  const gaps = days.slice(1).map((day, i) => day - (days[i] ?? day))
  const mean = gaps.length === 0 ? Number.NaN : gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const longest = gaps.length === 0 ? Number.NaN : Math.max(...gaps)
  return {
    gapMean: mean,
    gapLongest: longest,
    recencyOverMean: recency / (mean + 1),
    recencyOverLongest: recency / (longest + 1),
    gapsLonger: gaps.length === 0 ? Number.NaN : (gaps.filter((gap) => gap > recency).length + 0.5) / (gaps.length + 1),
  }
}

/** Those a person writes with, how lively they are, and who waits for whom. Closer and later exchanges weigh more. */
function company(
  sent: readonly Message[],
  received: readonly Message[],
  { lastSent }: Network,
  cut: number,
): Record<string, number> {
  const closeness = new Map<string, number>()
  const lastTo = new Map<string, number>()
  const lastFrom = new Map<string, number>()
  const firstTo = new Map<string, number>()
  const meet = (partner: string, at: number): void => {
    closeness.set(partner, (closeness.get(partner) ?? 0) + 2 ** ((at - cut) / 14))
  }
  for (const { to, at } of sent) {
    meet(to, at)
    lastTo.set(to, at)
    if (!firstTo.has(to)) firstTo.set(to, at)
  }
  for (const { from, at } of received) {
    meet(from, at)
    lastFrom.set(from, at)
  }
  let [weight, lively, silence] = [0, 0, 0]
  for (const [partner, close] of closeness) {
    const at = lastSent.get(partner)
    if (at === undefined) continue
    weight += close
    if (cut - at < 3) lively += close
    silence += close * Math.min(30, cut - at)
  }
  const lately = (at: number): boolean => cut - at < 14
  return {
    partners: closeness.size,
    partners14: [...lastTo.values()].filter(lately).length,
    newPartners14: [...firstTo.values()].filter(lately).length,
    answered: [...lastTo.keys()].filter((partner) => lastFrom.has(partner)).length / lastTo.size,
    owesAnswer: [...lastFrom].filter(([partner, at]) => lately(at) && (lastTo.get(partner) ?? -1) < at).length,
    waits: [...lastTo].filter(([partner, at]) => lately(at) && (lastFrom.get(partner) ?? -1) < at).length,
    partnersLively: weight === 0 ? Number.NaN : lively / weight,
    partnersSilence: weight === 0 ? Number.NaN : silence / weight,
    partnersWeight: weight,
  }
}
