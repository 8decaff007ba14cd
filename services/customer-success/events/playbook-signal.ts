/** Events that may trigger a playbook, from this service's own facts and from what customers' systems say. */

import { type DecodedEvent, decodeEvent, type EventType } from '@plimsoll/contracts/events.ts'
import type { StreamName } from '@plimsoll/contracts/streams.ts'
import type { LaneMessage, Processor } from '@plimsoll/kit/lanes/processor.ts'
import { withoutErasedSignals } from '../store/erased.ts'
import { closeAlert, openAlert, type Signal, saveSignals } from '../store/playbook-signals.ts'

/** The highest answer that is a detractor's (F. Reichheld, Harvard Business Review, December 2003). */
const DETRACTOR = 6

type Told = Omit<Signal, 'id'>

function signalOf({ type, value }: DecodedEvent): Told | undefined {
  const none = { userId: '', episodeId: '', reason: '' }
  switch (type) {
    case 'plimsoll.customer_success.v1.ChurnRiskRaised':
      return { ...none, ...value, event: 'risk_raised', atMs: value.at }
    case 'plimsoll.customer_success.v1.ChurnRiskCleared':
      return { ...none, ...value, event: 'risk_cleared', atMs: value.at }
    case 'plimsoll.customer_success.v1.AdoptionLagDetected':
      return { ...none, ...value, event: 'adoption_lag', atMs: value.at }
    case 'plimsoll.customer_success.v1.FeatureAdopted':
      return { ...none, event: 'feature_adopted', accountId: value.accountId, atMs: value.at, reason: value.feature }
    case 'plimsoll.customer_success.v1.HealthScoreChanged':
      // A corrected score is about the past.
      if (value.kind === 'corrected') return undefined
      return { ...none, event: 'health_changed', accountId: value.accountId, atMs: value.at }
    case 'plimsoll.usage.v1.InvoiceRecorded':
      if (value.status !== 'failed' && value.status !== 'final_failed') return undefined
      return {
        ...{ ...none, event: 'payment_failed', accountId: value.accountId, atMs: value.updatedAt },
        reason: `invoice ${value.invoiceId} failed ${value.attempts} times`,
      }
    case 'plimsoll.usage.v1.SubscriptionRecorded':
      if (value.status !== 'cancel_requested') return undefined
      return {
        ...{ ...none, event: 'cancel_requested', accountId: value.accountId, atMs: value.updatedAt },
        reason: value.reason,
      }
    case 'plimsoll.usage.v1.TicketRecorded':
      if (value.resolvedAt !== null) return undefined
      return {
        ...{ ...none, event: 'ticket_opened', accountId: value.accountId, userId: value.userId },
        ...{ atMs: value.openedAt, reason: `ticket ${value.ticketId}, severity ${value.severity}` },
      }
    case 'plimsoll.usage.v1.NpsRecorded':
      if (value.score > DETRACTOR) return undefined
      return {
        ...{ ...none, event: 'detractor', accountId: value.accountId, userId: value.userId, atMs: value.answeredAt },
        reason: `answered ${value.score} of 10`,
      }
    default:
      return undefined
  }
}

function signalProcessor(name: string, stream: StreamName, types: readonly EventType[]): Processor<undefined> {
  return {
    ...{ name, version: 1, stream, types, onPoison: 'skip' },
    load: async () => undefined,
    handle: (_, batch) => ({
      write: async (tx) => saveSignals(tx, await withoutErasedSignals(tx, uniqueById(batch.flatMap(toldBy)))),
    }),
  }
}

function toldBy(message: LaneMessage): Signal[] {
  const told = signalOf(decodeEvent(message.data))
  return told === undefined || told.accountId === '' ? [] : [{ ...told, id: `${message.stream}.${message.id}` }]
}

const uniqueById = (signals: readonly Signal[]): Signal[] => [...new Map(signals.map((one) => [one.id, one])).values()]

export const derivedSignals = signalProcessor('playbook-derived', 'DERIVED', [
  'plimsoll.customer_success.v1.ChurnRiskRaised',
  'plimsoll.customer_success.v1.ChurnRiskCleared',
  'plimsoll.customer_success.v1.AdoptionLagDetected',
  'plimsoll.customer_success.v1.FeatureAdopted',
  'plimsoll.customer_success.v1.HealthScoreChanged',
])

export const usageSignals = signalProcessor('playbook-usage', 'USAGE', [
  'plimsoll.usage.v1.InvoiceRecorded',
  'plimsoll.usage.v1.SubscriptionRecorded',
  'plimsoll.usage.v1.TicketRecorded',
  'plimsoll.usage.v1.NpsRecorded',
])

/** Critical alerts of the platform, while they fire: people are not written to about training then. */
export const criticalAlerts: Processor<undefined> = {
  ...{ name: 'playbook-alert', version: 1, stream: 'INCIDENT', types: ['plimsoll.incident.v1.AlertReceived'] },
  onPoison: 'skip',
  load: async () => undefined,
  handle: (_, batch) => ({
    async write(tx) {
      for (const message of batch) {
        const event = decodeEvent(message.data)
        if (event.type !== 'plimsoll.incident.v1.AlertReceived' || event.value.severity !== 'critical') continue
        const { alertId: id, name, status, startsAt } = event.value
        if (status === 'firing') await openAlert(tx, { id, name, atMs: startsAt })
        else await closeAlert(tx, id)
      }
    },
  }),
}
