/** What performs the effects of playbooks, as far as it is configured; effects of other kinds wait in the ledger. */

import { type Mail, mailPerformer } from '@plimsoll/kit/ledger/mail.ts'
import type { Performer } from '@plimsoll/kit/ledger/performer.ts'
import { startLedger } from '@plimsoll/kit/ledger/runner.ts'
import { slackPerformer } from '@plimsoll/kit/ledger/slack.ts'
import { webhookPerformer } from '@plimsoll/kit/ledger/webhook.ts'
import type { ServiceContext } from '@plimsoll/kit/service.ts'
import type { CustomerSuccessConfig } from '../config.ts'
import { findContact } from '../store/contacts.ts'
import type { PlaybookTables } from '../store/playbook-tables.ts'
import type { PlaybookReader } from '../store/playbooks.ts'

/** Names the person: the address is looked up when the mail goes out, and is nowhere in the ledger. */
export type ContactPayload = {
  readonly accountId: string
  readonly userId: string
  readonly subject: string
  readonly text: string
}

type Context = Pick<
  ServiceContext<CustomerSuccessConfig, PlaybookTables>,
  'config' | 'db' | 'reader' | 'clock' | 'logger' | 'metrics'
>

export const startEffects = async (context: Context): Promise<() => Promise<void>> =>
  startLedger({ ...context, service: 'customer-success', db: context.db as never, performers: performersOf(context) })

export function performersOf({ config, reader, clock }: Pick<Context, 'config' | 'reader' | 'clock'>) {
  const secret = config.CUSTOMER_SUCCESS_WEBHOOK_SECRET
  const server = config.CUSTOMER_SUCCESS_SMTP_URL
  const slack = config.CUSTOMER_SUCCESS_SLACK_WEBHOOK_URL
  const crm = config.CUSTOMER_SUCCESS_CRM_WEBHOOK_URL
  const from = config.CUSTOMER_SUCCESS_MAIL_FROM
  return {
    ...(secret !== undefined && { webhook: webhookPerformer(secret, clock) }),
    ...(secret !== undefined && crm !== undefined && { crm: crmPerformer(crm, webhookPerformer(secret, clock)) }),
    ...(server !== undefined && { email: contactPerformer(reader, mailPerformer({ server, from, clock })) }),
    ...(slack !== undefined && { slack: slackPerformer(slack) }),
  } satisfies Record<string, Performer>
}

const crmPerformer = (url: string, webhook: Performer): Performer => ({
  repeatable: webhook.repeatable,
  perform: ({ key, payload }) => webhook.perform({ key, payload: { ...(payload as object), url } }),
})

/** Asks once more before every attempt: an effect may have waited for hours, and people change their minds. */
const contactPerformer = (reader: PlaybookReader, mail: Performer): Performer => ({
  repeatable: mail.repeatable,
  async perform({ key, payload }) {
    const { accountId, userId, subject, text } = payload as ContactPayload
    const person = await findContact(reader, accountId, userId)
    if (person === undefined || person.email === '') return { kind: 'cancelled', answer: 'there is no address' }
    if (person.do_not_contact || !person.consent) return { kind: 'cancelled', answer: 'consent was taken back' }
    const addressed: Mail = { to: person.email, subject, text }
    return await mail.perform({ key, payload: addressed })
  },
})
