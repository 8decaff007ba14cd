/** Snapshots as figures over many accounts are taken from. */

import type { ServiceContext } from '@plimsoll/kit/service.ts'
import { Type } from 'typebox'
import type { AccountSnapshot } from '../domain/snapshot.ts'
import { loadSnapshots } from '../store/snapshot.ts'
import type { Tables } from '../store/tables.ts'

export const accountsQuery = {
  plan: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Only accounts on this plan.' })),
  segment: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Only accounts of this segment.' })),
  day: Type.Optional(Type.String({ format: 'date', description: 'As known at its end; today when left out.' })),
}

export const adoptionQuery = {
  leastUses: Type.Integer({ default: 1, minimum: 1, description: 'Uses in 28 days that count as using a feature.' }),
  rampDays: Type.Integer({ default: 14, minimum: 0, description: 'Days a new account is given before it counts.' }),
}

export async function snapshotsOf(
  { reader }: Pick<ServiceContext<unknown, Tables>, 'reader'>,
  day: number,
  { plan, segment }: { readonly plan?: string; readonly segment?: string },
): Promise<AccountSnapshot[]> {
  if (plan === undefined && segment === undefined) return await loadSnapshots(reader, day)
  let query = reader.selectFrom('account').select('account_id').orderBy('account_id')
  if (plan !== undefined) query = query.where('plan', '=', plan)
  if (segment !== undefined) query = query.where('segment', '=', segment)
  const rows = await query.execute()
  return await loadSnapshots(
    reader,
    day,
    rows.map(({ account_id }) => account_id),
  )
}
