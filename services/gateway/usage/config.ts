import { type Static, type TObject, Type } from 'typebox'
import { defaultAccountKeys } from './domain/account.ts'

/** The share of usage in the gateway's configuration. */
export const usageConfig = {
  GATEWAY_ACCOUNT_KEYS: Type.Array(Type.String({ minLength: 1 }), {
    default: [...defaultAccountKeys],
    description:
      'Properties of a usage event that name its account, the first that is there; Mixpanel’s group key, say.',
  }),
  GATEWAY_IP_HASH_KEY: Type.Optional(
    Type.String({
      minLength: 16,
      secret: true,
      description: 'Key of the hash that stands for addresses of users; without it a new one at each start.',
    }),
  ),
}

export type UsageConfig = Static<TObject<typeof usageConfig>>
