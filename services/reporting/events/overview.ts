import { type DecodedEvent, decodeEvent } from '@plimsoll/contracts/events.ts'
import { decodeHistogram } from '@plimsoll/contracts/histogram.ts'
import { appError, poison } from '@plimsoll/kit/errors.ts'
import { type LaneMessage, type Processor, processor } from '@plimsoll/kit/lanes/processor.ts'
import { type Baseline, foldBaseline } from '../domain/baseline.ts'
import { type Fact, isAccountFact, isErasure, type ProjectedType, projectedTypes } from '../domain/feed.ts'
import { foldDetected, foldResolved, type Regression } from '../domain/regression.ts'
import { loadBaselines, saveBaselines } from '../store/baseline.ts'
import { eraseAccounts, eraseActions, erasedAmong } from '../store/erased.ts'
import { appendFeed, isFeedEmpty, unseen } from '../store/feed.ts'
import { clearProjection, type Head, lockHead } from '../store/head.ts'
import { loadRegressions, saveRegressions } from '../store/regression.ts'
import { type ReportingTransaction, typed } from '../store/tables.ts'
import { projectAccounts } from './accounts.ts'

export const name = 'overview'

/**
 * Raise it when the meaning of a table or of the fold changes: the new version starts at the beginning of DERIVED, and
 * the first of its lanes to load empties the tables.
 */
export const version = 2

/** DERIVED -> baselines, regressions, accounts and the feed behind the pages. Lanes share these tables; see `store/head.ts`. */
export const overview = (feedRows: number): Processor<unknown> =>
  processor({
    name,
    version,
    stream: 'DERIVED',
    types: projectedTypes,
    onPoison: 'skip',
    async load(transaction) {
      const tx = typed(transaction)
      const head = await lockHead(tx)
      // tools/rebuild has sent the lanes to the start and emptied the feed, which is never empty otherwise.
      const isRebuild = head.seq > 0 && (await isFeedEmpty(tx))
      if (head.version < version || isRebuild) await clearProjection(tx, version)
    },
    handle(_state, batch) {
      // Decoded here and not in `write`: a message that cannot be decoded is poison whatever the database does.
      const facts = batch.map(factOf)
      return { write: (tx) => project(typed(tx), facts, feedRows) }
    },
  })

function factOf(message: LaneMessage): Fact {
  // A copy: columns of a decoded event are views into its message, which is the worker's again once `handle` returns.
  const event = decodeEvent(message.data.slice())
  if (!isProjected(event)) throw poison(`The header says ${message.type} but the body is a ${event.type}.`)
  if (event.type === 'plimsoll.performance.v1.RegressionDetected') {
    const { before, after } = event.value
    // Refused here, once, instead of failing every reader later.
    for (const { histogram } of [before, after]) if (histogram !== null) decodeHistogram(histogram)
  }
  const time = Date.parse(message.headers['Plimsoll-Time'] ?? '')
  return {
    ...event,
    id: message.id === '' ? `${message.stream}.${message.seq}` : message.id,
    time: Number.isNaN(time) ? message.time : time,
  }
}

const isProjected = (event: DecodedEvent): event is DecodedEvent<ProjectedType> =>
  (projectedTypes as readonly string[]).includes(event.type)

/** Applies what has not been applied yet. Running it again with the same facts changes nothing. */
export async function project(tx: ReportingTransaction, facts: readonly Fact[], feedRows: number): Promise<void> {
  const unseenFacts = await unseen(tx, facts)
  const erasures = unseenFacts.filter(isErasure)
  await eraseAccounts(
    tx,
    erasures.flatMap(({ value }) => ('accountHash' in value ? [value.accountHash] : [])),
  )
  const fresh = await withoutErased(tx, unseenFacts)
  if (fresh.length === 0) return
  await saveBaselines(tx, await foldBaselines(tx, fresh))
  await saveRegressions(tx, await foldRegressions(tx, fresh))
  await projectAccounts(tx, fresh.filter(isAccountFact))
  const head = await lockHead(tx)
  assertCurrent(head)
  await appendFeed(tx, head, fresh, feedRows)
  for (const { value } of erasures) {
    if ('accountId' in value) await eraseActions(tx, value.accountId, value.actionIds)
  }
}

/** Without what is told of accounts that were erased, before or after: nothing of it may come back. */
async function withoutErased(tx: ReportingTransaction, facts: readonly Fact[]): Promise<readonly Fact[]> {
  const accountOf = ({ value }: Fact): string | undefined => ('accountId' in value ? value.accountId : undefined)
  const erased = await erasedAmong(tx, new Set(facts.flatMap((fact) => accountOf(fact) ?? [])))
  return facts.filter((fact) => !erased.has(accountOf(fact) ?? ''))
}

async function foldBaselines(tx: ReportingTransaction, facts: readonly Fact[]): Promise<Iterable<Baseline>> {
  const established = facts.filter((fact) => fact.type === 'plimsoll.performance.v1.BaselineEstablished')
  const baselines = await loadBaselines(
    tx,
    established.map((fact) => fact.value.baselineId),
  )
  for (const { value } of established)
    baselines.set(value.baselineId, foldBaseline(baselines.get(value.baselineId), value))
  return baselines.values()
}

async function foldRegressions(tx: ReportingTransaction, facts: readonly Fact[]): Promise<Iterable<Regression>> {
  const changes = facts.filter(
    (fact) =>
      fact.type === 'plimsoll.performance.v1.RegressionDetected' ||
      fact.type === 'plimsoll.performance.v1.RegressionResolved',
  )
  const regressions = await loadRegressions(
    tx,
    changes.map((fact) => fact.value.regressionId),
  )
  for (const { type, value, time } of changes) {
    const current = regressions.get(value.regressionId)
    const next =
      type === 'plimsoll.performance.v1.RegressionDetected'
        ? foldDetected(current, value, time)
        : foldResolved(current, value, time)
    regressions.set(value.regressionId, next)
  }
  return regressions.values()
}

/** In a rolling update the old version must stop writing once the new one has emptied the tables. */
function assertCurrent(head: Head): void {
  if (head.version === version) return
  throw appError('lane-fenced', `Version ${head.version} of the projection has taken over from version ${version}.`)
}
