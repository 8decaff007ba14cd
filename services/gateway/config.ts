import { Type } from 'typebox'
import { hookConfig } from './hooks/config.ts'
import { pullConfig } from './pull/config.ts'
import { usageConfig } from './usage/config.ts'

/** The gateway's configuration; a property's name is the environment variable's. */
export const gatewayConfig = Type.Object({
  GATEWAY_MAX_BODY_BYTES: Type.Integer({
    minimum: 65_536,
    default: 16 * 1024 * 1024,
    description: 'Largest request body, before and after it is inflated, bytes.',
  }),
  GATEWAY_MAX_SERIES: Type.Integer({
    minimum: 1,
    default: 1_000_000,
    description: 'Series of one source seen within an hour; those beyond are refused and counted.',
  }),
  GATEWAY_MAX_IN_FLIGHT_BYTES: Type.Integer({
    minimum: 1024 * 1024,
    default: 64 * 1024 * 1024,
    description: 'Bytes of requests that wait for the broker; above it requests are answered 429.',
  }),
  GATEWAY_LINGER_MS: Type.Integer({
    minimum: 0,
    maximum: 100,
    default: 15,
    description: 'How long a small request waits to share a message with others, ms.',
  }),
  GATEWAY_MAX_MESSAGE_BYTES: Type.Integer({
    minimum: 65_536,
    default: 900_000,
    description: "Largest message, bytes: below the broker's max_payload, which is 1 MiB unless configured.",
  }),
  GATEWAY_ANSWER_WITHIN_MS: Type.Integer({
    minimum: 100,
    default: 20_000,
    description: 'How long a request waits for the broker before it is answered 503, ms.',
  }),
  GATEWAY_SELF_SCRAPE_SECONDS: Type.Integer({
    minimum: 0,
    default: 15,
    description: 'How often this process reads its own metrics as source `plimsoll`, seconds; 0 for never.',
  }),
  ...hookConfig,
  ...pullConfig,
  ...usageConfig,
})
