/** Keeps what the learned model looks at, day by day, and scores every account with the model in use. */

import type { Ticker } from '@plimsoll/kit/lanes/processor.ts'
import { ONBOARDING_DAYS } from '../domain/health/configuration.ts'
import { inOrder } from '../domain/learn/candidate.ts'
import { FEATURE_NAMES, featuresOf } from '../domain/learn/features.ts'
import { score } from '../domain/learn/model.ts'
import type { AccountSnapshot } from '../domain/snapshot.ts'
import { type ActiveModel, activeModel, lastChurnDay, type Scored, saveChurnDay } from '../store/model.ts'
import { tables } from '../store/tables.ts'
import { closeDaysOfAccounts, scoredUpTo } from './closed-days.ts'

export const modelScoreTicker: Ticker<{ model: ActiveModel | undefined }> = {
  name: 'model-score',
  version: 1,
  lanes: 1,
  everyMs: 2_000,
  load: async () => ({ model: undefined }),
  async tick(state, tx) {
    const range = { done: await lastChurnDay(tx), upTo: await scoredUpTo(tx) }
    state.model = await activeModel(tables(tx), state.model)
    await closeDaysOfAccounts(tx, range, async (day, snapshots) => {
      const scored = snapshots.filter(isLearnedFrom).map((snapshot) => scoredBy(state.model, snapshot))
      await saveChurnDay(tx, day, state.model?.version, scored)
    })
    return {}
  },
}

/** Accounts that can still leave, and are old enough for their past to say something. */
const isLearnedFrom = ({ day, startedDay, subscription }: AccountSnapshot): boolean =>
  subscription?.status !== 'cancelled' && day - startedDay >= ONBOARDING_DAYS

function scoredBy(active: ActiveModel | undefined, snapshot: AccountSnapshot): Scored {
  const features = featuresOf(snapshot)
  if (active === undefined) return { accountId: snapshot.accountId, features, probability: undefined }
  const { probability } = score(active.model, inOrder(features, FEATURE_NAMES, active.model.names))
  return { accountId: snapshot.accountId, features, probability }
}
