/**
 * Who is late with a core feature: an account that has not adopted it by when most accounts like it had. How long it takes
 * is the Kaplan-Meier estimate among them, so that those who have not got there yet, or left before, count for as long as
 * they were seen.
 */

import { happenedWithin, type SurvivalStep, survivalOf } from './survival.ts'

/** An account and the core features its plan includes. */
export type Member = {
  readonly accountId: string
  readonly plan: string
  readonly segment: string
  /** The last day that is known of it: today, or the day it left. */
  readonly lastDay: number
  readonly hasLeft: boolean
  /** It began after anything is known of anybody: when it adopted what is known from its beginning. */
  readonly isSeenFromStart: boolean
  readonly courses: readonly Course[]
}

export type Course = {
  readonly feature: string
  /** The day from which on it could be used: when the account began, or when anybody first used the feature. */
  readonly sinceDay: number
  readonly adoptedDay: number | undefined
}

/** By when most accounts of a group had adopted a feature. */
export type Usual = { readonly days: number; readonly adopters: number; readonly among: string }

export type Lag = { readonly feature: string; readonly waitedDays: number; readonly usual: Usual }

/** Fewer adopters say little about how long it takes; a group with fewer is widened. */
const LEAST_ADOPTERS = 20
/** A feature that fewer of a group ever come to use is nobody's lag. */
const LEAST_SHARE = 0.5
/** Of those who adopt it. */
const MOST_ADOPTERS = 0.75

/** Features each account is late with, of accounts that are late with any. */
export function lagsOf(members: readonly Member[], rampDays: number): Map<Member, Lag[]> {
  const usual = usualOf(members)
  const late = new Map<Member, Lag[]>()
  for (const member of members) {
    if (member.hasLeft) continue
    const lags = member.courses.flatMap(({ feature, sinceDay, adoptedDay }): Lag[] => {
      const waitedDays = member.lastDay - sinceDay
      if (adoptedDay !== undefined || waitedDays < rampDays) return []
      const among = usual(member, feature)
      return among === undefined || waitedDays <= among.days ? [] : [{ feature, waitedDays, usual: among }]
    })
    if (lags.length > 0) late.set(member, lags)
  }
  return late
}

/** Accounts of the same plan and segment, else of the segment, else all; what is not known of an account is left out. */
function groupsOf({ plan, segment }: Pick<Member, 'plan' | 'segment'>): string[] {
  const groups = ['accounts']
  if (segment !== '') groups.unshift(`accounts of segment "${segment}"`)
  if (plan !== '') groups.unshift(`accounts of plan "${plan}"${segment === '' ? '' : ` and segment "${segment}"`}`)
  return groups
}

function usualOf(members: readonly Member[]): (member: Member, feature: string) => Usual | undefined {
  const groups = membersByGroup(members.filter(({ isSeenFromStart }) => isSeenFromStart))
  const known = new Map<string, { readonly adopters: number; readonly days: number | undefined }>()
  const of = (among: string, feature: string) => {
    const key = JSON.stringify([among, feature])
    const found = known.get(key) ?? paceOf(groups.get(among) ?? [], feature)
    known.set(key, found)
    return found
  }
  return (member, feature) => {
    for (const among of groupsOf(member)) {
      const { adopters, days } = of(among, feature)
      if (adopters >= LEAST_ADOPTERS) return days === undefined ? undefined : { days, adopters, among }
    }
    return undefined
  }
}

function membersByGroup(members: readonly Member[]): Map<string, Member[]> {
  const groups = new Map<string, Member[]>()
  for (const member of members)
    for (const among of groupsOf(member)) {
      const own = groups.get(among)
      if (own === undefined) groups.set(among, [member])
      else own.push(member)
    }
  return groups
}

/** Days by which most of those who adopt it had; undefined when most never do. */
function paceOf(members: readonly Member[], feature: string) {
  const durations = members.flatMap(({ courses, lastDay }) => {
    const course = courses.find((one) => one.feature === feature)
    if (course === undefined || course.sinceDay > lastDay) return []
    const { adoptedDay, sinceDay } = course
    return [{ days: (adoptedDay ?? lastDay) - sinceDay, isObserved: adoptedDay !== undefined }]
  })
  const adopters = durations.filter(({ isObserved }) => isObserved).length
  const steps: readonly SurvivalStep[] = survivalOf(durations)
  const ever = happenedWithin(steps, Number.POSITIVE_INFINITY)
  const most = steps.find(({ waiting }) => 1 - waiting >= MOST_ADOPTERS * ever)
  return { adopters, days: ever >= LEAST_SHARE ? most?.days : undefined }
}

export type Breadth = {
  /** Share of the core features of its plan that the account has adopted. */
  readonly own: number
  /** Median share of accounts of its segment when they were as old. */
  readonly expected: number
}

export function breadthAmong(members: readonly Member[], member: Member): Breadth {
  const age = ageOf(member)
  const peers = members.filter(
    (peer) => peer.segment === member.segment && peer.courses.length > 0 && ageOf(peer) >= age,
  )
  const shares = peers.map((peer) => breadthAt(peer, age)).sort((a, b) => a - b)
  return { own: breadthAt(member, age), expected: shares[Math.floor(shares.length / 2)] ?? 0 }
}

const ageOf = ({ courses, lastDay }: Member): number => lastDay - Math.min(...courses.map(({ sinceDay }) => sinceDay))

/** Share of its core features an account had adopted so many days after it could. */
const breadthAt = ({ courses }: Member, age: number): number =>
  courses.filter(({ adoptedDay, sinceDay }) => adoptedDay !== undefined && adoptedDay - sinceDay <= age).length /
  courses.length

/** One sentence for each feature. */
export function lagText(lags: readonly Lag[]): string {
  return lags
    .map(
      ({ feature, waitedDays, usual }) =>
        `Three of four ${usual.among} that use "${feature}" came to it within ${usual.days} days; this one has not in ${waitedDays}.`,
    )
    .join(' ')
}
