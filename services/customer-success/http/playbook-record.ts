import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { DAY_MS, dayOf } from '../domain/day.ts'
import { type AccountState, metricOf } from '../domain/playbook/account-state.ts'
import type { Arm } from '../domain/playbook/enrolment.ts'
import type { Goal } from '../domain/playbook/playbook.ts'
import { enrolmentId, recordEnrolment } from '../events/enrol.ts'
import { storedAccounts } from '../store/account-states.ts'
import { armsOnRecord } from '../store/actions.ts'
import { lockPlaybook } from '../store/playbooks.ts'
import { type Tables, tables } from '../store/tables.ts'
import { BASE, idParams } from './playbook-shapes.ts'
import { playbookById } from './playbooks.ts'

/** Bounds what is read of an account: all days from its oldest row on. */
const MOST_DAYS = 800

const item = Type.Object(
  {
    accountId: Type.String({ minLength: 1, maxLength: 500 }),
    arm: Type.Enum(['treated', 'holdout'], {
      description: 'holdout: triggered alike, and left alone to compare with.',
    }),
    at: Type.String({
      format: 'date-time',
      description: `When it was triggered, in either arm; at most ${MOST_DAYS} days ago.`,
    }),
    note: Type.String({ default: '', maxLength: 2_000, description: 'For people.' }),
  },
  { additionalProperties: false },
)

const body = Type.Object({ items: Type.Array(item, { minItems: 1, maxItems: 1_000 }) }, { additionalProperties: false })
const response = Type.Object({
  recorded: Type.Integer(),
  repeated: Type.Integer({ description: 'On record already.' }),
  refused: Type.Array(Type.Object({ index: Type.Integer(), accountId: Type.String(), reason: Type.String() })),
})

export const playbookRecordRoute = ({ db, reader, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: `${BASE}/playbooks/:id/actions`,
  permission: 'customer-success:write',
  schema: {
    summary: 'Put down whom a playbook treated and whom it left alone before, or elsewhere',
    description:
      'Nothing is sent; outcomes and the effect follow as of its own enrolments. Refused rows are named and the others kept; a row told again changes nothing.',
    params: idParams,
    body,
    response: { 200: response },
  },
  async handler(request, _, principal) {
    const { id } = request.params as Static<typeof idParams>
    const { items } = request.body as Static<typeof body>
    const timeMs = clock.now()
    const playbook = await playbookById(reader, id)
    const { goal } = playbook.definition
    const rows = items.map((one, index) => {
      const atMs = Date.parse(one.at)
      return { ...one, index, atMs, day: dayOf(atMs - 1), actionId: enrolmentId(id, one.accountId, atMs) }
    })
    const inTime = new Set(rows.filter(({ atMs }) => atMs <= timeMs && atMs >= timeMs - MOST_DAYS * DAY_MS))
    const states = await storedAccounts.each(reader, [...inTime])
    return await inTransaction(db, async (tx) => {
      // The same rows may be told by another request at once, in another order or with another arm.
      await lockPlaybook(tx, id)
      const arms = await armsOnRecord(
        tables(tx),
        rows.map(({ actionId }) => actionId),
      )
      const counts = { recorded: 0, repeated: 0 }
      const refused: Static<typeof response>['refused'] = []
      for (const row of rows) {
        const { index, accountId, arm, atMs, note, actionId } = row
        const [state, onRecord] = [states.get(row), arms.get(actionId)]
        const goalBefore = state && metricOf(state, goal.metric)
        const reason = inTime.has(row)
          ? refusalOf(arm, { onRecord, state, goal, goalBefore })
          : `at is in the future, or more than ${MOST_DAYS} days ago.`
        if (reason !== undefined) refused.push({ index, accountId, reason })
        else if (onRecord !== undefined) counts.repeated++
        else {
          const recorded = { accountId, arm, atMs, note, by: principal.name, goalBefore }
          // False when the playbook has just enrolled the account by itself.
          if (await recordEnrolment(tx, playbook, recorded)) counts.recorded++
          else counts.repeated++
          arms.set(actionId, arm)
        }
      }
      await writeAudit(tx, { principal, action: 'playbook.recorded', target: id, detail: counts, timeMs })
      return { ...counts, refused }
    })
  },
})

type Known = {
  readonly onRecord: Arm | undefined
  readonly state: AccountState | undefined
  readonly goal: Goal
  readonly goalBefore: number | undefined
}

function refusalOf(arm: Arm, { onRecord, state, goal, goalBefore }: Known): string | undefined {
  if (onRecord !== undefined && onRecord !== arm) return `It is on record as ${onRecord}, and an arm does not change.`
  if (state === undefined) return 'Nothing is known of this account by then: tell of its use or contract first.'
  if (goal.target === undefined && goalBefore === undefined)
    return `The goal is a change of ${goal.metric}, which is not known of that day.`
  return undefined
}
