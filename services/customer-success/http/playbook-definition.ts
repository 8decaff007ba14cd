/**
 * Checks a definition of a playbook. Part by part and by its kind, because a union's error can only say that nothing fits:
 * who writes a definition wants to know which field of which step is wrong.
 */

import { appError, type FieldProblem } from '@plimsoll/kit/errors.ts'
import { problemsOf } from '@plimsoll/kit/schema.ts'
import { type TObject, Type } from 'typebox'
import { ATTRIBUTES, METRICS } from '../domain/playbook/account-state.ts'
import {
  type Do,
  type Playbook,
  problemsOfPlaybook,
  type Reenrolment,
  TRIGGER_EVENTS,
  type Trigger,
} from '../domain/playbook/playbook.ts'

const closed = { additionalProperties: false }
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength })
const metric = Type.Enum(Object.keys(METRICS))
/** Checked on its own. */
const condition = Type.Unknown()
const tries = Type.Optional(Type.Integer({ minimum: 1, maximum: 20 }))
const step = { id: text(100), next: Type.Optional(text(100)) }
const fields = Type.Record(Type.String(), Type.String({ maxLength: 2_000 }))
const role = Type.Optional(text(100))

const definition = Type.Object(
  {
    name: text(200),
    description: Type.String({ maxLength: 2_000 }),
    trigger: Type.Object({ kind: Type.Enum(['event', 'condition']) }),
    audience: Type.Optional(condition),
    reenrolment: Type.Object({ kind: Type.Enum(['asMatches', 'maxN', 'maxNPerDays']) }),
    priority: Type.Integer({ minimum: 0, maximum: 100 }),
    holdoutShare: Type.Number({ minimum: 0, maximum: 0.5 }),
    steps: Type.Array(Type.Object({ kind: Type.String() }), { minItems: 1, maxItems: 50 }),
    exit: Type.Optional(condition),
    goal: Type.Object(
      {
        metric,
        direction: Type.Enum(['up', 'down']),
        target: Type.Optional(Type.Number()),
        windowDays: Type.Integer({ minimum: 1, maximum: 365 }),
        leastEffect: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
      },
      closed,
    ),
  },
  closed,
)

/** What a request body looks like from afar, for the documentation. */
export const definitionShape = Type.Object(
  {},
  {
    additionalProperties: true,
    description: `name, description, trigger, audience, reenrolment, priority, holdoutShare, steps, exit, goal: GET a ready playbook for an example. Metrics: ${Object.keys(METRICS).join(', ')}.`,
  },
)

const triggers: { readonly [K in Trigger['kind']]: TObject } = {
  event: Type.Object(
    { kind: Type.String(), event: Type.Enum([...TRIGGER_EVENTS]), where: Type.Optional(condition) },
    closed,
  ),
  condition: Type.Object(
    { kind: Type.String(), condition, dwellDays: Type.Integer({ minimum: 1, maximum: 90 }) },
    closed,
  ),
}

const n = Type.Integer({ minimum: 1, maximum: 1_000 })
const reenrolments: { readonly [K in Reenrolment['kind']]: TObject } = {
  asMatches: Type.Object({ kind: Type.String() }, closed),
  maxN: Type.Object({ kind: Type.String(), n }, closed),
  maxNPerDays: Type.Object({ kind: Type.String(), n, days: n }, closed),
}

const stepOf = (properties: Parameters<typeof Type.Object>[0]): TObject =>
  Type.Object({ ...step, kind: Type.String(), ...properties }, closed)

const steps: { readonly [K in Do['kind']]: TObject } = {
  wait: stepOf({ hours: Type.Number({ exclusiveMinimum: 0, maximum: 8_760 }) }),
  branch: stepOf({ when: condition, yes: text(100), no: text(100) }),
  task: stepOf({ title: text(500), assignee: Type.Optional(text(200)) }),
  in_app: stepOf({ to: role, title: text(200), text: text(5_000) }),
  email: stepOf({ to: role, subject: text(200), text: text(20_000), tries }),
  slack: stepOf({ text: text(5_000), tries }),
  webhook: stepOf({
    url: Type.String({ pattern: '^https?://', maxLength: 2_000 }),
    fields: Type.Optional(fields),
    tries,
  }),
  crm: stepOf({ fields, tries }),
}

const conditions: Readonly<Record<string, TObject>> = {
  all: Type.Object({ all: Type.Array(condition) }, closed),
  any: Type.Object({ any: Type.Array(condition) }, closed),
  not: Type.Object({ not: condition }, closed),
  metric: Type.Object({ metric, is: Type.Enum(['<', '<=', '=', '>=', '>']), value: Type.Number() }, closed),
  attribute: Type.Object(
    { attribute: Type.Enum(Object.keys(ATTRIBUTES)), in: Type.Array(Type.String(), { minItems: 1 }) },
    closed,
  ),
}

/** Deeper nesting is nobody's intention. */
const DEEPEST = 10

/**
 * The definition, once nothing is wrong with it.
 * @throws AppError `bad-request` naming every field that has to be corrected, and what it must be.
 */
export function parsePlaybook(value: unknown): Playbook {
  const problems = shapeProblems(value)
  const found = problems.length > 0 ? problems : problemsOfPlaybook(value as Playbook)
  if (found.length === 0) return value as Playbook
  const wrong = found.map(({ field, expected }) => ({ field: `body${field}`, expected }))
  const detail = wrong.map(({ field, expected }) => `${field} must be ${expected}`).join('; ')
  throw appError('bad-request', `${detail}.`, { fields: wrong })
}

function shapeProblems(value: unknown): FieldProblem[] {
  const problems = problemsOf(definition, value)
  if (problems.length > 0) return problems
  const playbook = value as Playbook
  return [
    ...problemsAt('/trigger', triggers[playbook.trigger.kind], playbook.trigger),
    ...problemsAt('/reenrolment', reenrolments[playbook.reenrolment.kind], playbook.reenrolment),
    ...playbook.steps.flatMap((one, index) => stepProblems(`/steps/${index}`, one)),
    ...conditionProblems('/audience', playbook.audience),
    ...conditionProblems('/exit', playbook.exit),
    ...('condition' in playbook.trigger ? conditionProblems('/trigger/condition', playbook.trigger.condition) : []),
    ...('where' in playbook.trigger ? conditionProblems('/trigger/where', playbook.trigger.where) : []),
  ]
}

function stepProblems(field: string, one: { readonly kind: string }): FieldProblem[] {
  const schema = Object.entries(steps).find(([kind]) => kind === one.kind)?.[1]
  if (schema === undefined) return [{ field: `${field}/kind`, expected: `one of ${Object.keys(steps).join(', ')}` }]
  return [...problemsAt(field, schema, one), ...('when' in one ? conditionProblems(`${field}/when`, one.when) : [])]
}

function conditionProblems(field: string, value: unknown, depth = 1): FieldProblem[] {
  if (value === undefined) return []
  if (depth > DEEPEST) return [{ field, expected: `nested at most ${DEEPEST} deep` }]
  const isObject = typeof value === 'object' && value !== null
  const [name, schema] = Object.entries(conditions).find(([key]) => isObject && key in value) ?? []
  if (name === undefined || schema === undefined) {
    return [{ field, expected: `an object with one of ${Object.keys(conditions).join(', ')}` }]
  }
  const problems = problemsAt(field, schema, value)
  if (problems.length > 0) return problems
  const { all, any, not } = value as { all?: unknown[]; any?: unknown[]; not?: unknown }
  return [
    ...(all ?? any ?? []).flatMap((part, index) => conditionProblems(`${field}/${name}/${index}`, part, depth + 1)),
    ...conditionProblems(`${field}/not`, not, depth + 1),
  ]
}

const problemsAt = (field: string, schema: TObject, value: unknown): FieldProblem[] =>
  problemsOf(schema, value).map((problem) => ({ ...problem, field: `${field}${problem.field}` }))
