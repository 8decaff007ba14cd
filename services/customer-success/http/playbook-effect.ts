import { appError } from '@plimsoll/kit/errors.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { estimateOf, shrink } from '../domain/effect/pooling.ts'
import type { Proportion } from '../domain/effect/proportions.ts'
import { reportEffect } from '../domain/effect/report.ts'
import { LEAST_PER_ARM, type QiniCurve } from '../domain/effect/uplift.ts'
import { MANUAL_ACTIONS } from '../domain/playbook/ready.ts'
import { storedAccounts } from '../store/account-states.ts'
import { type ArmCount, countArms } from '../store/actions.ts'
import type { Tables } from '../store/tables.ts'
import { findUplift, type UpliftRow } from '../store/uplift.ts'
import { compareManual } from './action-matching.ts'
import { formatQuery, reportOf, sendReport, type Table } from './csv.ts'
import { BASE, idParams } from './playbook-shapes.ts'
import { playbookById } from './playbooks.ts'

const interval = Type.Object({ low: Type.Number(), high: Type.Number() })
const armReport = Type.Object({ n: Type.Integer(), reached: Type.Integer(), rate: Type.Number(), interval })

const estimate = Type.Object({ value: Type.Number(), ...interval.properties }, { description: 'With 95 %.' })

const response = Type.Object({
  playbook: Type.String(),
  treated: armReport,
  heldOut: armReport,
  control: Type.Object({ n: Type.Integer(), reached: Type.Integer() }),
  effect: Type.Number({ description: 'Share of treated minus share of held-out accounts that reached the goal.' }),
  interval: Type.Object({ ...interval.properties }, { description: '95 %, Newcombe.' }),
  pooled: Type.Object(
    { effect: Type.Number(), interval },
    { description: 'Drawn towards the effects of all playbooks by the share of it that is noise.' },
  ),
  sampleRatio: Type.Object({ chi2: Type.Number(), p: Type.Number(), isAlarming: Type.Boolean() }),
  minimumDetectable: Type.Number({ description: 'Least effect these arms would show four times in five.' }),
  verdict: Type.Enum(['works', 'no evidence', 'harms', 'not enough data']),
  reason: Type.String(),
  uplift: Type.Object(
    {
      reason: Type.String({ description: 'Why there is no curve, or what the curve shows.' }),
      missing: Type.Integer({ description: 'Accounts whose outcome the smaller arm still needs.' }),
      fitted: nullable(
        Type.Object({
          at: Type.String({ format: 'date-time' }),
          treated: Type.Integer({ description: 'Accounts with an outcome then.' }),
          heldOut: Type.Integer(),
          coefficient: estimate,
          points: Type.Array(Type.Object({ share: Type.Number(), gain: estimate }), {
            description: 'Share of accounts treated, those with the largest predicted uplift first, and what it gains.',
          }),
        }),
      ),
    },
    { description: 'For whom it makes a difference: the Qini curve, of accounts each model has not seen.' },
  ),
})
type Body = Static<typeof response>

type Counts = Readonly<Record<ArmCount['arm'], Proportion>> & { readonly holdoutShare: number }

function countsOf(all: readonly ArmCount[]): Counts {
  const of = (arm: ArmCount['arm']): Proportion => {
    const found = all.find((one) => one.arm === arm)
    return { successes: found?.reached ?? 0, n: found?.n ?? 0 }
  }
  // Shares that were changed on the way: what was meant is their mean over those who could be in either arm.
  const either = all.filter(({ arm }) => arm !== 'control')
  const n = either.reduce((sum, one) => sum + one.n, 0)
  const holdoutShare = either.reduce((sum, one) => sum + one.n * one.holdoutShare, 0) / Math.max(1, n)
  return { treated: of('treated'), holdout: of('holdout'), control: of('control'), holdoutShare }
}

export const playbookEffectRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: `${BASE}/playbooks/:id/effect`,
  permission: 'customer-success:read',
  schema: {
    summary: 'What a playbook did, against the accounts that were held out',
    description: 'By intention to treat: every account is in the arm it was put in when it was triggered.',
    params: idParams,
    querystring: Type.Object(formatQuery),
    response: { 200: reportOf(response, 'a row of all') },
  },
  async handler(request, reply) {
    const { id } = request.params as Static<typeof idParams>
    const { definition } = await playbookById(reader, id)
    const byPlaybook = Map.groupBy(await countArms(reader), ({ playbookId }) => playbookId)
    if (!byPlaybook.has(id)) byPlaybook.set(id, [])
    const ids = [...byPlaybook.keys()]
    const counts = ids.map((one) => countsOf(byPlaybook.get(one) ?? []))
    const pooled = shrink(counts.map(({ treated, holdout }) => estimateOf(treated, holdout)))
    const own = counts[ids.indexOf(id)] as Counts
    const { leastEffect } = definition.goal
    const body: Body = {
      playbook: id,
      ...reportEffect(own.treated, own.holdout, { holdoutShare: own.holdoutShare, leastEffect }),
      control: { n: own.control.n, reached: own.control.successes },
      pooled: pooled[ids.indexOf(id)] as (typeof pooled)[number],
      uplift: upliftBody(Math.min(own.treated.n, own.holdout.n), await findUplift(reader, id)),
    }
    return sendReport(request, reply, body, effectTable)
  },
})

function upliftBody(smallerArm: number, row: UpliftRow | undefined): Body['uplift'] {
  const missing = Math.max(0, LEAST_PER_ARM - smallerArm)
  const fitted = row && {
    ...{ at: row.fitted_at.toISOString(), treated: row.treated, heldOut: row.held_out },
    ...{ coefficient: row.curve.coefficient, points: [...row.curve.points] },
  }
  return { reason: upliftReason(missing, row?.curve), missing, fitted: fitted ?? null }
}

function upliftReason(missing: number, curve: QiniCurve | undefined): string {
  if (curve === undefined)
    return missing > 0
      ? `the smaller arm needs ${missing} more accounts with an outcome, ${LEAST_PER_ARM} in all`
      : `it is being fitted, or of too many accounts nothing was kept from before`
  if (curve.coefficient.low <= 0) return 'the interval of the curve holds chance: nobody is left out by it'
  return 'it tells accounts apart: who would do worse when contacted is not contacted'
}

function effectTable({ playbook, treated, heldOut, effect, interval, pooled, verdict, reason }: Body): Table {
  return {
    columns: [
      ...['playbook', 'treated', 'treated_reached', 'treated_rate', 'held_out', 'held_out_reached', 'held_out_rate'],
      ...['effect', 'effect_low', 'effect_high', 'pooled', 'pooled_low', 'pooled_high', 'verdict', 'reason'],
    ],
    rows: [
      [
        ...[playbook, treated.n, treated.reached, treated.rate, heldOut.n, heldOut.reached, heldOut.rate],
        ...[effect, interval.low, interval.high, pooled.effect, pooled.interval.low, pooled.interval.high],
        ...[verdict, reason],
      ],
    ],
  }
}

const manual = Type.Object({
  label: Type.Literal('observational'),
  matched: Type.Integer({ description: 'Acted-on accounts with accounts like them to compare with.' }),
  unmatched: Type.Integer(),
  rate: Type.Number(),
  rateOfMatched: Type.Number(),
  effect: Type.Number(),
  interval,
})
const kindParams = Type.Object({ kind: Type.String({ maxLength: 100 }) })

export const manualEffectRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: `${BASE}/actions/effect/:kind`,
  permission: 'customer-success:read',
  schema: {
    summary: 'Accounts of a manual action beside accounts like them',
    description: 'Nobody was held out, so it is an observation: what made a person act may have made the difference.',
    params: kindParams,
    querystring: Type.Object(formatQuery),
    response: { 200: reportOf(manual, 'a row of all') },
  },
  async handler(request, reply) {
    const { kind } = request.params as Static<typeof kindParams>
    if (!(kind in MANUAL_ACTIONS))
      throw appError('not-found', `There is no action ${kind}; there are ${Object.keys(MANUAL_ACTIONS).join(', ')}.`)
    const body = await compareManual(reader, storedAccounts, kind)
    return sendReport(request, reply, body, ({ matched, unmatched, rate, rateOfMatched, effect, interval, label }) => ({
      columns: [
        ...['action', 'label', 'matched', 'unmatched', 'rate', 'rate_of_matched'],
        ...['effect', 'effect_low', 'effect_high'],
      ],
      rows: [[kind, label, matched, unmatched, rate, rateOfMatched, effect, interval.low, interval.high]],
    }))
  },
})
