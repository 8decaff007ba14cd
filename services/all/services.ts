import type { AnyService } from '@plimsoll/kit/service.ts'

/** Every service, in the order they start. */
export const services: readonly AnyService[] = []
