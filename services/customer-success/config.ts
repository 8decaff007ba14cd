/** Configuration of the service, from the environment. Defaults are those of the design; one set for every installation. */

import { type Static, Type } from 'typebox'

export const customerSuccessConfig = Type.Object({
  CUSTOMER_SUCCESS_LATE_DAYS: Type.Integer({
    default: 400,
    minimum: 1,
    description: 'Events older than this are quarantined instead of counted, days.',
  }),
})

export type CustomerSuccessConfig = Static<typeof customerSuccessConfig>
