/** TicketRecorded, InvoiceRecorded, NpsRecorded, SubscriptionRecorded -> states of facts; ContactRecorded -> contacts. */

import { decodeEvent } from '@plimsoll/contracts/events.ts'
import type { Processor } from '@plimsoll/kit/lanes/processor.ts'
import { withoutErasedFacts } from '../store/erased.ts'
import { noFacts, takeFacts } from '../store/facts.ts'

const TICKET = 'plimsoll.usage.v1.TicketRecorded'
const INVOICE = 'plimsoll.usage.v1.InvoiceRecorded'
const NPS = 'plimsoll.usage.v1.NpsRecorded'
const SUBSCRIPTION = 'plimsoll.usage.v1.SubscriptionRecorded'
const CONTACT = 'plimsoll.usage.v1.ContactRecorded'

export const factsProcessor: Processor<Record<string, never>> = {
  name: 'facts',
  version: 1,
  stream: 'USAGE',
  types: [TICKET, INVOICE, NPS, SUBSCRIPTION, CONTACT],
  onPoison: 'skip',
  load: async () => ({}),
  handle(_state, batch) {
    const facts = noFacts()
    for (const message of batch) {
      const event = decodeEvent(message.data)
      switch (event.type) {
        case TICKET:
          facts.tickets.push(event.value)
          break
        case INVOICE:
          facts.invoices.push(event.value)
          break
        case NPS:
          facts.answers.push(event.value)
          break
        case SUBSCRIPTION:
          facts.subscriptions.push(event.value)
          break
        case CONTACT:
          facts.contacts.push(event.value)
          break
      }
    }
    return { write: async (tx) => takeFacts(tx, await withoutErasedFacts(tx, facts)) }
  },
}
