/** How far the days are closed, and what is open. */

import type { ReaderDatabase } from '@plimsoll/kit/db/database.ts'
import type { Tables } from './tables.ts'

/** The last day each ticker has closed; without those that have closed none yet. */
export async function closedDays(reader: ReaderDatabase<Tables>): Promise<[ticker: string, day: number][]> {
  const progress = await reader.selectFrom('health_progress').select(['name', 'day']).execute()
  const last = (table: 'adoption_day' | 'churn_day') =>
    reader
      .selectFrom(table)
      .select((eb) => eb.fn.max<number | null>('day').as('day'))
      .executeTakeFirst()
  const [adoption, churn] = [await last('adoption_day'), await last('churn_day')]
  const days: [string, number | null | undefined][] = [
    ...progress.map(({ name, day }): [string, number] => [name, day]),
    ['adoption', adoption?.day],
    ['model-score', churn?.day],
  ]
  return days.flatMap(([ticker, day]) => (day === null || day === undefined ? [] : [[ticker, day]]))
}

export async function countOpenRisks(reader: ReaderDatabase<Tables>): Promise<number> {
  const { open } = await reader
    .selectFrom('risk_episode')
    .select((eb) => eb.fn.countAll<number>().as('open'))
    .where('cleared_day', 'is', null)
    .executeTakeFirstOrThrow()
  return open
}
