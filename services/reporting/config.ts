import { Type } from 'typebox'

export const config = Type.Object({
  REPORTING_FEED_ROWS: Type.Integer({
    minimum: 1_000,
    default: 100_000,
    description:
      'Events kept in the feed: how far back a page can resume and a repeated event is recognised by its id.',
  }),
  REPORTING_POLL_MS: Type.Integer({
    minimum: 20,
    default: 100,
    description: 'How often the feed is read while somebody listens to /v1/reporting/events, ms.',
  }),
  REPORTING_CLIENT_BUFFER_BYTES: Type.Integer({
    minimum: 16_384,
    default: 1_048_576,
    description: 'A listener with more than this unread is disconnected; it resumes by Last-Event-ID.',
  }),
})
