/** A health configuration as people read and write it. */

import { nullable } from '@plimsoll/kit/http/shapes.ts'
import { type Static, type TSchema, Type } from 'typebox'
import { COMPONENTS, METRIC_NAMES } from '../domain/health/metrics.ts'
import type { ConfigurationRow } from '../store/health-configurations.ts'

const curve = Type.Array(Type.Tuple([Type.Number(), Type.Number()]), {
  minItems: 1,
  maxItems: 100,
  description: 'Knots [x, y], x ascending: linear between them, flat outside.',
})

const rule = Type.Object({ weight: Type.Number({ minimum: 0 }), curve }, { additionalProperties: false })
const weight = Type.Number({ minimum: 0 })

/** An object that may have any of these names, all of one kind. */
const anyOf = <Name extends string, Of extends TSchema>(names: readonly Name[], of: Of) =>
  Type.Partial(Type.Object(Object.fromEntries(names.map((name) => [name, of])) as Record<Name, Of>), {
    additionalProperties: false,
  })

const template = Type.Object(
  { weights: anyOf(COMPONENTS, weight), metrics: anyOf(METRIC_NAMES, rule), scale: curve },
  { additionalProperties: false },
)

export const templatesSchema = Type.Record(Type.String({ minLength: 1, maxLength: 100 }), template)

export const rulesSchema = Type.Array(
  Type.Object(
    {
      template: Type.String(),
      segment: Type.Optional(Type.String({ description: 'Empty or left out: any.' })),
      youngerThanDays: Type.Optional(Type.Integer({ minimum: 1 })),
    },
    { additionalProperties: false },
  ),
  { minItems: 1, maxItems: 100, description: 'The first that fits an account decides; the last fits all.' },
)

const backtestSchema = Type.Object({
  accounts: Type.Integer({ description: 'Accounts x weeks.' }),
  churners: Type.Integer(),
  auc: Type.Number({ description: 'Chance that one that left had the lower score than one that stayed.' }),
  bands: Type.Array(
    Type.Object({
      band: Type.String(),
      share: Type.Number(),
      churn: Type.Number(),
      multiple: Type.Number({ description: 'Of the mean churn.' }),
    }),
  ),
})

export const configurationSchema = Type.Object({
  version: Type.Integer(),
  createdAt: Type.String({ format: 'date-time' }),
  createdBy: Type.String(),
  activatedAt: nullable(
    Type.String({ format: 'date-time', description: 'Last time it was made the one that scores.' }),
  ),
  backtest: nullable(
    Type.Object({
      fitted: Type.Object({ ...backtestSchema.properties }, { description: 'This version, fitted or made by hand.' }),
      before: Type.Object({ version: Type.Integer(), ...backtestSchema.properties }),
    }),
  ),
  templates: templatesSchema,
  rules: rulesSchema,
})

export function configurationBody(row: ConfigurationRow): Static<typeof configurationSchema> {
  const { templates, rules } = row.configuration
  return {
    version: row.version,
    createdAt: row.created_at.toISOString(),
    createdBy: row.created_by,
    activatedAt: row.activated_at?.toISOString() ?? null,
    backtest: row.backtest,
    templates,
    rules,
  } as Static<typeof configurationSchema>
}
