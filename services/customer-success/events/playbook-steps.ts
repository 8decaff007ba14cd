/** Carries out the steps that are due: rows in this transaction, effects through the ledger, people only when they may be. */

import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { intend } from '@plimsoll/kit/ledger/ledger.ts'
import type { CustomerSuccessConfig } from '../config.ts'
import { DAY_MS } from '../domain/day.ts'
import { isSleepingDog, upliftOf } from '../domain/effect/uplift.ts'
import { type AccountState, metricOf } from '../domain/playbook/account-state.ts'
import { type ActionStep, dueAfter, fill, moveAt } from '../domain/playbook/run.ts'
import { type ContactPolicy, mayContact, type Verdict } from '../domain/playbook/suppression.ts'
import type { AccountStates } from '../store/account-states.ts'
import { contactedSince, insertTask, recordStep, stepsOf } from '../store/action-steps.ts'
import { type ActionRow, dueActions, higherPriority, moveAction } from '../store/actions.ts'
import { type ContactRow, recipients } from '../store/contacts.ts'
import { newestFeatures } from '../store/model.ts'
import { insertMessage } from '../store/playbook-guidance.ts'
import { openAlertSince } from '../store/playbook-signals.ts'
import type { StepOutcome } from '../store/playbook-tables.ts'
import { findDefinition } from '../store/playbooks.ts'
import { tables } from '../store/tables.ts'
import { findUplift, type KnownUplifts, upliftModel } from '../store/uplift.ts'
import type { Today } from './playbook.ts'
import type { ContactPayload } from './playbook-effects.ts'
import type { StepCounter } from './success-metrics.ts'

const AT_ONCE = 100
/** What is put off longer than this is not done at all. */
const PUT_OFF_DAYS = 7
/** An alert whose end was never told holds nothing back after a day. */
const ALERT_DAYS = 1
const DEFAULT_TRIES = 8
const DEFAULT_ROLE = 'admin'

type Run = {
  readonly tx: WorkerTransaction
  readonly action: ActionRow
  readonly state: AccountState
  readonly nowMs: number
  readonly config: CustomerSuccessConfig
  readonly uplifts: KnownUplifts
  readonly count: StepCounter
}

export async function runDueSteps(
  tx: WorkerTransaction,
  { accounts, ...by }: Pick<Run, 'config' | 'uplifts' | 'count'> & { readonly accounts: AccountStates },
  { nowMs, latestDay }: Today,
): Promise<void> {
  const due = await dueActions(tx, new Date(nowMs), AT_ONCE)
  if (due.length === 0) return
  const accountIds = [...new Set(due.map(({ account_id }) => account_id))]
  const states = await accounts.at(tables(tx), latestDay, accountIds)
  const stateOf = new Map(states.map((state) => [state.snapshot.accountId, state]))
  for (const action of due) {
    const state = stateOf.get(action.account_id)
    if (state === undefined) await moveAction(tx, action.id, { state: 'exited' })
    else await advance({ tx, action, state, nowMs, ...by })
  }
}

/** Goes on until something has to be waited for, or the end. */
async function advance(run: Run): Promise<void> {
  const { tx, action, state, nowMs } = run
  const found = await findDefinition(tables(tx), action.playbook_id, action.version)
  if (found === undefined) return await moveAction(tx, action.id, { state: 'exited' })
  for (let step = action.step; ; ) {
    const move = moveAt(found.definition, step, state)
    if (move.kind === 'end') {
      if (move.state === 'exited') await record(run, step, 'done', { reason: `left: ${move.reason}` })
      return await moveAction(tx, action.id, { state: move.state })
    }
    if (move.kind === 'wait') {
      return await moveAction(tx, action.id, { step: move.next, dueMs: dueAfter(nowMs, move.hours) })
    }
    const putOffUntil = await act(run, move.step)
    if (putOffUntil !== undefined) {
      return await moveAction(tx, action.id, { step: move.step.id, dueMs: putOffUntil })
    }
    step = move.next
  }
}

/** Does a step; the time to try again when somebody could not be contacted yet. */
async function act(run: Run, step: ActionStep): Promise<number | undefined> {
  const { tx, action, nowMs } = run
  const text = (template: string) => fill(template, namesOf(run))
  switch (step.kind) {
    case 'task':
      await insertTask(tx, {
        ...{ id: `${action.id}.${step.id}`, action_id: action.id, account_id: action.account_id },
        ...{ title: text(step.title), assignee: step.assignee ?? '', created_at: new Date(nowMs) },
      })
      await record(run, step.id, 'done')
      return undefined
    case 'slack':
      await effect(run, step, 'slack', { text: text(step.text) })
      return undefined
    case 'webhook':
      await effect(run, step, 'webhook', { url: step.url, body: bodyOf(run, step.id, filled(step.fields ?? {}, text)) })
      return undefined
    case 'crm':
      await effect(run, step, 'crm', { body: bodyOf(run, step.id, filled(step.fields, text)) })
      return undefined
    case 'email':
    case 'in_app':
      return await contact(run, step)
  }
}

const namesOf = ({ action, state: { snapshot } }: Run): Record<string, string> => ({
  ...{ account: action.account_id, user: action.user_id, reason: action.reason },
  ...{ plan: snapshot.plan, segment: snapshot.segment },
})

const filled = (fields: Readonly<Record<string, string>>, text: (template: string) => string) =>
  Object.fromEntries(Object.entries(fields).map(([name, template]) => [name, text(template)]))

const bodyOf = ({ action, state }: Run, step: string, fields: Record<string, string>) => ({
  ...{ actionId: action.id, playbook: action.playbook_id, step, accountId: action.account_id },
  ...{ reason: action.reason, healthScore: metricOf(state, 'healthScore') ?? null, fields },
})

async function effect(
  run: Run,
  step: Extract<ActionStep, { tries?: number }>,
  kind: string,
  payload: unknown,
): Promise<void> {
  const key = `${run.action.id}.${step.id}`
  const tries = step.tries ?? DEFAULT_TRIES
  await intend(run.tx, run.nowMs, [{ key, kind, about: run.action.id, payload, tries }])
  await record(run, step.id, 'done', { effectKey: key })
}

/** Contacts everybody a step is for who was not yet; the earliest time at which another may be. */
async function contact(run: Run, step: Extract<ActionStep, { kind: 'email' | 'in_app' }>): Promise<number | undefined> {
  const { tx, action, nowMs } = run
  const isForUser = step.to === undefined && action.user_id !== ''
  const role = step.to ?? DEFAULT_ROLE
  const people = await recipients(tx, action.account_id, isForUser ? { userId: action.user_id } : { role })
  if (people.length === 0) {
    const whom = isForUser ? action.user_id : `role ${role}`
    await record(run, step.id, 'suppressed', { reason: `nobody to contact: ${whom}` })
    return undefined
  }
  const earlier = await stepsOf(tables(tx), action.id, step.id)
  const settled = new Set(earlier.filter(({ outcome }) => outcome !== 'deferred').map(({ user_id }) => user_id))
  let again: number | undefined
  for (const person of people.filter(({ user_id }) => !settled.has(user_id))) {
    const putOffSince = earlier.find(({ user_id }) => user_id === person.user_id)?.at.getTime() ?? nowMs
    const verdict = await verdictFor(run, step.kind, person)
    if (verdict.kind === 'send') await send(run, step, person)
    else if (verdict.kind === 'defer' && nowMs - putOffSince < PUT_OFF_DAYS * DAY_MS) {
      await record(run, step.id, 'deferred', { userId: person.user_id, reason: verdict.reason })
      again = Math.min(again ?? Infinity, verdict.untilMs)
    } else await record(run, step.id, 'suppressed', { userId: person.user_id, reason: verdict.reason })
  }
  return again
}

async function verdictFor(run: Run, channel: 'email' | 'in_app', person: ContactRow): Promise<Verdict> {
  const { tx, action, nowMs, config } = run
  const policy = policyOf(config)
  const contacted = await contactedSince(tx, action.account_id, new Date(nowMs - policy.withinDays * DAY_MS))
  return mayContact(
    {
      ...{ nowMs, arm: action.arm, channel, before: await whatComesFirst(run) },
      isSleepingDog: await isLeftAlone(run),
      person: {
        doNotContact: person.do_not_contact,
        consent: person.consent,
        timeZone: person.time_zone,
      },
      personContactedMs: contacted.filter(({ userId }) => userId === person.user_id).map(({ atMs }) => atMs),
      accountContactedMs: contacted.map(({ atMs }) => atMs),
    },
    policy,
  )
}

/** Asked at each contact: an account may have changed, and so may what was learned. */
async function isLeftAlone({ tx, action, uplifts }: Run): Promise<boolean> {
  const db = tables(tx)
  const fitted = await findUplift(db, action.playbook_id)
  if (fitted === undefined) return false
  const model = await upliftModel(db, fitted, uplifts)
  const features = await newestFeatures(db, action.account_id, model.names)
  return features !== undefined && isSleepingDog(upliftOf(model, features), fitted.curve)
}

const policyOf = (config: CustomerSuccessConfig): ContactPolicy => ({
  perPerson: config.CUSTOMER_SUCCESS_CONTACTS_PER_PERSON,
  perAccount: config.CUSTOMER_SUCCESS_CONTACTS_PER_ACCOUNT,
  withinDays: 7,
  quietFromHour: config.CUSTOMER_SUCCESS_QUIET_FROM_HOUR,
  quietToHour: config.CUSTOMER_SUCCESS_QUIET_TO_HOUR,
})

async function whatComesFirst({ tx, action, state, nowMs }: Run): Promise<string | undefined> {
  const alert = await openAlertSince(tx, nowMs - ALERT_DAYS * DAY_MS)
  if (alert !== undefined) return `critical alert ${alert} is open`
  if ((metricOf(state, 'openSevereTickets') ?? 0) > 0) return 'a severe ticket is open'
  const other = await higherPriority(tx, action)
  return other === undefined ? undefined : `playbook ${other} goes first`
}

async function send(run: Run, step: Extract<ActionStep, { kind: 'email' | 'in_app' }>, person: ContactRow) {
  const { tx, action, nowMs } = run
  const text = (template: string) => fill(template, namesOf(run))
  const key = `${action.id}.${step.id}.${person.user_id}`
  if (step.kind === 'in_app') {
    await insertMessage(tx, {
      ...{ id: key, action_id: action.id, account_id: action.account_id, user_id: person.user_id },
      ...{ title: text(step.title), text: text(step.text), created_at: new Date(nowMs) },
    })
    return await record(run, step.id, 'sent', { userId: person.user_id })
  }
  const payload: ContactPayload = {
    ...{ accountId: action.account_id, userId: person.user_id },
    ...{ subject: text(step.subject), text: text(step.text) },
  }
  const tries = step.tries ?? DEFAULT_TRIES
  await intend(tx, nowMs, [{ key, kind: 'email', about: action.id, payload, tries }])
  await record(run, step.id, 'sent', { userId: person.user_id, effectKey: key })
}

async function record(
  { tx, action, nowMs, count }: Run,
  step: string,
  outcome: StepOutcome,
  { userId = '', reason = '', effectKey = '' } = {},
): Promise<void> {
  const isNew = await recordStep(tx, {
    ...{ action_id: action.id, step, user_id: userId, outcome, reason },
    ...{ account_id: action.account_id, at: new Date(nowMs), effect_key: effectKey },
  })
  if (isNew) count(outcome, reason)
}
