import { customerSuccess } from '@plimsoll/customer-success/service.ts'
import { gateway } from '@plimsoll/gateway/service.ts'
import type { AnyService } from '@plimsoll/kit/service.ts'
import { performance } from '@plimsoll/performance/service.ts'
import { reporting } from '@plimsoll/reporting/service.ts'

/** Every service, in the order they start. */
export const services: readonly AnyService[] = [gateway, performance, customerSuccess, reporting]
