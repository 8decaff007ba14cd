/** Tells of erasures, so that others erase too: what HTTP decided is published at the next tick. */

import type { OutgoingEvent, Ticker } from '@plimsoll/kit/lanes/processor.ts'
import type { Selectable } from 'kysely'
import { deleteAccountRows } from '../store/erase.ts'
import type { TombstoneTable } from '../store/privacy-tables.ts'
import { takeTombstones } from '../store/tombstones.ts'

const AT_ONCE = 100

export const tombstoneTicker: Ticker<undefined> = {
  name: 'tombstone',
  version: 1,
  lanes: 1,
  everyMs: 2_000,
  load: async () => undefined,
  async tick(_, tx) {
    const taken = await takeTombstones(tx, AT_ONCE)
    for (const { kind, account_id } of taken) {
      // Whoever was reckoning for the account while it was erased may have written since.
      if (kind === 'account') await deleteAccountRows(tx, account_id)
    }
    return { events: taken.map(eventOf) }
  },
}

function eventOf(row: Selectable<TombstoneTable>): OutgoingEvent {
  const at = row.erased_at.getTime()
  if (row.kind === 'account') {
    return {
      ...{ type: 'plimsoll.customer_success.v1.AccountErased', key: row.account_id, time: at },
      value: { accountHash: row.hash, at },
    }
  }
  return {
    ...{ type: 'plimsoll.customer_success.v1.PersonErased', key: row.account_id || row.hash, time: at },
    value: { personHash: row.hash, accountId: row.account_id, actionIds: row.action_ids, at },
  }
}
