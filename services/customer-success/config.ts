/** Configuration of the service, from the environment. Defaults are those of the design; one set for every installation. */

import { type Static, Type } from 'typebox'

export const customerSuccessConfig = Type.Object({
  CUSTOMER_SUCCESS_LATE_DAYS: Type.Integer({
    default: 400,
    minimum: 1,
    description: 'Events older than this are quarantined instead of counted, days.',
  }),
  CUSTOMER_SUCCESS_FEATURES: Type.Integer({
    default: 1_000,
    minimum: 1,
    maximum: 60_000,
    description: 'Features (event names) counted apart; the rest count as use of the product only.',
  }),
  CUSTOMER_SUCCESS_KEEP_RAW_DAYS: Type.Integer({
    default: 90,
    minimum: 1,
    description: 'Days raw events are kept. What is counted of them stays.',
  }),
  CUSTOMER_SUCCESS_KEEP_KEYS_DAYS: Type.Integer({
    default: 100,
    minimum: 35,
    description: 'Days a repeated event is known as one, from when it was first received. More than USAGE keeps.',
  }),
  CUSTOMER_SUCCESS_KEEP_TEXT_DAYS: Type.Integer({
    default: 180,
    minimum: 1,
    description: 'Days free text of tickets and answers is kept.',
  }),
})

export type CustomerSuccessConfig = Static<typeof customerSuccessConfig>
