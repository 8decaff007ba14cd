/** Whom a figure is of, and for which days: the query all analytics routes share. */

import { appError } from '@plimsoll/kit/errors.ts'
import type { ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { dayOf, isoDay } from '../domain/day.ts'
import { ANY } from '../domain/usage-cells.ts'
import { ALL, accountSubject, keepsWindow } from '../domain/usage-figures.ts'
import { planSubject, segmentSubject } from '../store/identity.ts'
import type { Tables } from '../store/tables.ts'

/** Days of one answer: a year and the days around it. */
const MOST_DAYS = 400
const USUAL_DAYS = 90

const id = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 200, description }))

export const subjectQuery = {
  account: id('Only this account.'),
  plan: id('Only accounts on this plan. One of account, plan and segment.'),
  segment: id('Only accounts of this segment.'),
  from: Type.Optional(Type.String({ format: 'date', description: '90 days up to `to` when left out.' })),
  to: Type.Optional(Type.String({ format: 'date', description: 'Today when left out.' })),
}

export const scopeQuery = { ...subjectQuery, feature: id('Only this feature: an event name.') }

const query = Type.Object(scopeQuery)

export const scopeSchema = {
  subject: Type.String({ description: 'all, or account:, plan: or segment: and its name.' }),
  feature: Type.String({ description: 'Empty = any use.' }),
  from: Type.String({ format: 'date' }),
  to: Type.String({ format: 'date' }),
}

export type Scope = {
  readonly subject: string
  readonly feature: number
  readonly fromDay: number
  readonly toDay: number
  /** For the answer. */
  readonly told: Static<typeof told>
}
const told = Type.Object(scopeSchema)

/** @throws `bad-request` for what contradicts itself, `not-found` for a feature never used. */
export async function scopeOf(
  { reader, clock }: Pick<ServiceContext<unknown, Tables>, 'reader' | 'clock'>,
  { account, plan, segment, feature = '', from, to }: Static<typeof query>,
): Promise<Scope> {
  const subjects = [
    ...(account === undefined ? [] : [accountSubject(account)]),
    ...(plan === undefined ? [] : [planSubject(plan)]),
    ...(segment === undefined ? [] : [segmentSubject(segment)]),
  ]
  if (subjects.length > 1) throw appError('bad-request', 'Give one of account, plan and segment, not several.')
  const toDay = dayOf(to === undefined ? clock.now() : Date.parse(to))
  const fromDay = from === undefined ? toDay - USUAL_DAYS + 1 : dayOf(Date.parse(from))
  if (fromDay > toDay) throw appError('bad-request', '`from` is after `to`.')
  if (toDay - fromDay >= MOST_DAYS) {
    throw appError('bad-request', `More than ${MOST_DAYS} days: ask for a shorter range.`)
  }
  const subject = subjects[0] ?? ALL
  return {
    subject,
    feature: feature === '' ? ANY : await featureNumber(reader, feature),
    fromDay,
    toDay,
    told: { subject, feature, from: isoDay(fromDay), to: isoDay(toDay) },
  }
}

/** Of a single feature within one account only the month is kept. @throws `bad-request` for that. */
export function refuseSingleFeature({ subject, feature }: Scope): void {
  if (keepsWindow(subject, feature, 7)) return
  throw appError('bad-request', 'This is not kept of a single feature within one account: leave out one of the two.')
}

async function featureNumber(reader: ServiceContext<unknown, Tables>['reader'], name: string): Promise<number> {
  const row = await reader.selectFrom('feature').select('id').where('name', '=', name).executeTakeFirst()
  if (row !== undefined) return row.id
  throw appError('not-found', `No feature has the name "${name}": it is the name of an event.`)
}
