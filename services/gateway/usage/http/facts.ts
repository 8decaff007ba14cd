import type { Route } from '@plimsoll/kit/service.ts'
import type { Read } from '../domain/draft.ts'
import { type FactKind, type FactReception, readFact } from '../domain/fact.ts'
import { firstText, isFields } from '../domain/fields.ts'
import { refusedField } from '../domain/verdict.ts'
import { factNames } from '../table/mapping.ts'
import { answer, bodyOf, receive, type UsageParts, usageAnswer, usageQuery } from './receive.ts'
import { headerKey } from './senderkey.ts'

/** Tickets, invoices, answers, subscriptions and contacts as JSON, one or many. */
export function factRoutes(parts: UsageParts): readonly Route[] {
  return Object.entries(factNames).map(([name, kind]) => factRoute(kind, name, parts))
}

function factRoute(kind: FactKind, name: string, parts: UsageParts): Route {
  return {
    method: 'POST',
    url: `/v1/${name}`,
    permission: 'gateway:write',
    body: 'raw',
    bodyLimitBytes: parts.bodyLimitBytes,
    rateLimit: 'none',
    senderKey: headerKey,
    schema: {
      summary: `States of ${name}, one or an array`,
      description: 'Fields as in the event reference, times as text or ms. The newest state of an id wins.',
      querystring: usageQuery,
      response: { 200: usageAnswer },
    },
    async handler(request, reply, principal) {
      const source = principal.name
      const receipt = await receive(parts, request, { source, protocol: name }, (receivedAt) => {
        const body = bodyOf(request)
        const given: readonly unknown[] = Array.isArray(body) ? body : [body]
        return given.map((one) => readOne(kind, one, { source, receivedAt }))
      })
      return answer(reply, request, receipt)
    },
  }
}

function readOne(kind: FactKind, given: unknown, reception: FactReception): Read {
  if (!isFields(given)) return refusedField('not-an-object', `every ${kind}`, 'an object', given)
  const fact = readFact(kind, given, reception)
  if (fact.kind === 'refused') return fact
  return { kind: 'fact', fact, messageId: firstText(given.messageId, given[`${kind}Id`], given.responseId) }
}
