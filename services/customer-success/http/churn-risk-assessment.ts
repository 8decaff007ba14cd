import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { calibrationOf, meaningOf, missedOf, type Period, recordOf } from '../domain/assessment.ts'
import { dayOf, isoDay } from '../domain/day.ts'
import { fateOf, LEAD_DAYS, WINDOW_DAYS } from '../domain/health/backtest.ts'
import { GRADE_DAYS } from '../domain/risk.ts'
import { driversBehind } from '../events/risk.ts'
import {
  firstScoredDay,
  forecastsOn,
  type Leaving,
  lastScoresBefore,
  leavingsSince,
  naiveRaisesBetween,
  raisesBetween,
} from '../store/assessment.ts'
import { lastScoredDay } from '../store/health.ts'
import type { Tables } from '../store/tables.ts'
import { day } from './analytics-shapes.ts'
import {
  type Assessment,
  assessmentSchema,
  assessmentTables,
  calibrationBody,
  MOST_MISSED,
  type missedSchema,
  recordBody,
} from './assessment-shapes.ts'
import { formatQuery, reportOf, sendReport } from './csv.ts'
import { lineBody } from './health-shapes.ts'

const USUAL_DAYS = 180

const querystring = Type.Object({
  from: Type.Optional(
    day(`${USUAL_DAYS} days before \`to\` when left out, but in the newer half of what is known at most.`),
  ),
  to: Type.Optional(day('The last day that was scored when left out.')),
  table: Type.Union(
    Object.keys(assessmentTables).map((name) => Type.Literal(name)),
    { default: 'raises', description: 'Which part the CSV is of.' },
  ),
  ...formatQuery,
})

export const churnRiskAssessmentRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: '/v1/customer-success/churn-risk/assessment',
  permission: 'customer-success:read',
  schema: {
    summary: 'How warnings turned out: precision, coverage, who left unwarned, and whether probabilities hold',
    description:
      'Everything as it was known at the time; half a second for 1,200 accounts. CSV is of one part, `table`.',
    querystring,
    response: { 200: reportOf(assessmentSchema, 'the rows of `table`') },
  },
  async handler(request, reply) {
    const query = request.query as Static<typeof querystring>
    const period = await periodOf(reader, query)
    const { fromDay, toDay, today } = period
    const warnedFrom = fromDay - GRADE_DAYS
    const [raises, naive, leavings, told] = await Promise.all([
      raisesBetween(reader, warnedFrom, toDay),
      naiveRaisesBetween(reader, warnedFrom, toDay),
      leavingsSince(reader, warnedFrom),
      calibrationFor(reader, period),
    ])
    const unwarned = missedOf(raises, leavings, period)
    const largest = unwarned.toSorted((a, b) => b.mrrMinor - a.mrrMinor).slice(0, MOST_MISSED)
    const items = await missedBodies(reader, largest)
    const body: Assessment = {
      ...{ from: isoDay(fromDay), to: isoDay(toDay), knownTo: isoDay(today) },
      raises: recordBody(recordOf(raises, leavings, period)),
      naive: recordBody(recordOf(naive, leavings, period)),
      missed: { accounts: unwarned.length, items },
      calibration: told,
    }
    return sendReport(request, reply, body, assessmentTables[query.table as keyof typeof assessmentTables])
  },
})

type Reader = ServiceContext<unknown, Tables>['reader']

async function periodOf(reader: Reader, { from, to }: Static<typeof querystring>): Promise<Period> {
  const [first, today] = [await firstScoredDay(reader), await lastScoredDay(reader)]
  if (first === undefined || today === undefined) {
    throw appError('not-found', 'No day is scored yet: the first is when somebody has come on a later one.')
  }
  const toDay = to === undefined ? today : dayOf(Date.parse(to))
  const newerHalf = toDay - Math.floor(Math.max(0, toDay - first) / 2)
  const fromDay = from === undefined ? Math.max(toDay - USUAL_DAYS, newerHalf) : dayOf(Date.parse(from))
  if (fromDay > toDay)
    throw appError('bad-request', `from (${isoDay(fromDay)}) must not be after to (${isoDay(toDay)}).`)
  return { fromDay, toDay, today }
}

/** Of days whose window is over, so far apart that no leaving counts twice; scores mean what they meant before the period. */
async function calibrationFor(reader: Reader, { fromDay, toDay, today }: Period): Promise<Assessment['calibration']> {
  const last = Math.min(toDay, today - LEAD_DAYS - WINDOW_DAYS)
  const first = fromDay - 2 * USUAL_DAYS
  const days = Array.from(
    { length: Math.max(0, Math.ceil((last - first) / WINDOW_DAYS)) },
    (_, i) => last - i * WINDOW_DAYS,
  )
  const leftOn = Map.groupBy(await leavingsSince(reader, first), ({ accountId }) => accountId)
  const fates = (await forecastsOn(reader, days)).flatMap((forecast) => {
    const left = leftOn.get(forecast.account_id)?.find((leaving) => leaving.day > forecast.day)
    const churned = fateOf(forecast.day, left?.day, today)
    return churned === undefined ? [] : [{ ...forecast, churned }]
  })
  const own = fates.filter((fate) => fate.day >= fromDay)
  const learned = own.filter(({ churn_probability }) => churn_probability !== null)
  const scored = own.filter(({ score }) => score !== null)
  const before = fates.filter((fate) => fate.score !== null && fate.day + LEAD_DAYS + WINDOW_DAYS < fromDay)
  const churnedOf = (some: typeof fates) => Uint8Array.from(some, ({ churned }) => (churned ? 1 : 0))
  const scoresOf = (some: typeof fates) => Float64Array.from(some, ({ score }) => score ?? 0)
  const probabilities = Float64Array.from(learned, ({ churn_probability }) => churn_probability ?? 0)
  const meaning = meaningOf(scoresOf(before), churnedOf(before))
  return {
    days: days.filter((one) => one >= fromDay).map(isoDay),
    learned: calibrationBody(calibrationOf(probabilities, churnedOf(learned))),
    score: calibrationBody(meaning && calibrationOf(scoresOf(scored).map(meaning), churnedOf(scored))),
    meaning: { n: before.length, left: before.filter(({ churned }) => churned).length },
  }
}

async function missedBodies(reader: Reader, leavings: readonly Leaving[]): Promise<Static<typeof missedSchema>[]> {
  const lasts = await lastScoresBefore(reader, leavings)
  const scored = lasts.filter((last) => last !== undefined).filter(({ score }) => score !== null)
  const drivers = await driversBehind(reader, scored)
  const driversOf = new Map(scored.map((last, i) => [last, drivers[i]]))
  return leavings.map(({ accountId, day: leftDay, mrrMinor, currency }, i) => {
    const last = lasts[i]
    return {
      ...{ accountId, leftOn: isoDay(leftDay), mrrMinor, currency },
      lastScore: last?.score ?? null,
      lastDay: last === undefined ? null : isoDay(last.day),
      churnProbability: last?.churn_probability ?? null,
      drivers: last === undefined ? [] : (driversOf.get(last) ?? []).map(lineBody),
    }
  })
}
