import type { Route } from '@plimsoll/kit/service.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { DecodeError } from '../../decode/failure.ts'
import { send } from '../../http/answers.ts'
import type { Read } from '../domain/draft.ts'
import { isFields } from '../domain/fields.ts'
import { type MixpanelKind, mixpanelEvents } from '../domain/mixpanel.ts'
import { posthogEvents } from '../domain/posthog.ts'
import { segmentCalls, segmentEvents } from '../domain/segment.ts'
import type { Receipt } from '../intake.ts'
import { answer, bodyOf, isOn, receive, type UsageParts, usageAnswer, usageQuery } from './receive.ts'
import { bodyKey } from './senderkey.ts'

/** A protocol of an analytics SDK at one address. */
type Sdk = {
  readonly protocol: string
  readonly url: string
  readonly methods?: readonly ('GET' | 'POST')[]
  readonly summary: string
  readonly read: (body: unknown, request: FastifyRequest, receivedAt: number) => readonly Read[]
  /** Where the SDK takes anything else for a failure; the receipt as it is, unless given. */
  readonly reply?: (reply: FastifyReply, request: FastifyRequest, receipt: Receipt) => FastifyReply
}

/** What SDKs of Segment, RudderStack, Jitsu, PostHog and Mixpanel send, at the addresses they send it to. */
export function sdkRoutes(parts: UsageParts): readonly Route[] {
  const { accountKeys } = parts
  const segment = (url: string, path: string): Sdk => ({
    protocol: 'segment',
    url,
    summary: path === '' ? 'Usage events, a batch of calls of any kind' : `Usage: one ${path} call`,
    read: (body) => segmentEvents(body, path, accountKeys),
  })
  const jitsu = (url: string): Sdk => ({
    protocol: 'jitsu',
    url,
    summary: 'Usage events from the SDK of Jitsu',
    read: (body, { params }) => segmentEvents(body, (params as { type: string }).type, accountKeys),
    reply: (reply, request, receipt) => answer(reply, request, receipt, { ok: true }),
  })
  const posthog = (url: string): Sdk => ({
    protocol: 'posthog',
    url,
    summary: 'Usage events from SDKs of PostHog',
    read: (body, _, receivedAt) => posthogEvents(body, accountKeys, receivedAt),
    reply: (reply, request, receipt) => answer(reply, request, receipt, { status: 1 }),
  })
  const mixpanel = (url: string, kind: MixpanelKind, what: string): Sdk => ({
    protocol: 'mixpanel',
    url,
    methods: ['GET', 'POST'],
    summary: `${what} from SDKs of Mixpanel`,
    read: (body) => mixpanelEvents(body, kind, accountKeys),
    reply: answerMixpanel,
  })
  const sdks = [
    ...['/v1/batch', '/v1/import'].map((url) => segment(url, '')),
    ...segmentCalls.map((call) => segment(`/v1/${call}`, call)),
    ...['/api/s/:type', '/api/s/s2s/:type'].map(jitsu),
    ...['/batch', '/capture', '/e', '/i/v0/e'].map(posthog),
    mixpanel('/track', 'event', 'Usage events'),
    mixpanel('/import', 'event', 'Past usage events'),
    mixpanel('/engage', 'person', 'Traits of people'),
    mixpanel('/groups', 'group', 'Traits of accounts'),
  ]
  return sdks.flatMap((sdk) => (sdk.methods ?? ['POST']).map((method) => sdkRoute(sdk, method, parts)))
}

function sdkRoute(sdk: Sdk, method: 'GET' | 'POST', parts: UsageParts): Route {
  const { protocol, url, read, reply: answerIts = answer } = sdk
  const params = url.includes(':type') ? { params: Type.Object({ type: Type.String() }) } : {}
  return {
    method,
    url,
    permission: 'gateway:write',
    body: 'raw',
    bodyLimitBytes: parts.bodyLimitBytes,
    rateLimit: 'none',
    senderKey: bodyKey,
    schema: {
      summary: sdk.summary,
      description: 'Plain or gzip, whatever the headers say. Answered once what was accepted is durable.',
      querystring: usageQuery,
      ...params,
      response: { 200: usageAnswer },
    },
    async handler(request, reply, principal) {
      const receipt = await receive(parts, request, { source: principal.name, protocol }, (receivedAt) =>
        read(batchedBody(bodyOf(request)), request, receivedAt),
      )
      return answerIts(reply, request, receipt)
    },
  }
}

/** A body whose `batch` is no list would be taken for one event, and told what events have to state. */
function batchedBody(body: unknown): unknown {
  if (isFields(body) && body.batch !== undefined && !Array.isArray(body.batch)) {
    throw new DecodeError('batch must be an array of events')
  }
  return body
}

/** The SDKs take "1" alone for success, unless they asked for more: "0" says that something was rejected. */
function answerMixpanel(reply: FastifyReply, request: FastifyRequest, receipt: Receipt): FastifyReply {
  const query = request.query as { readonly verbose?: string; readonly strict?: string; readonly verdicts?: string }
  const status = receipt.rejected === 0 ? 1 : 0
  if (isOn(query.verbose) || isOn(query.strict) || query.verdicts !== undefined) {
    const [first] = receipt.verdicts.filter((verdict) => verdict.status === 'rejected')
    return answer(reply, request, receipt, { status, error: first?.detail ?? null })
  }
  return send(reply, { status: 200, headers: { 'content-type': 'text/plain' }, body: String(status) })
}
