/** Configuration of the service, from the environment. Defaults are those of the design; one set for every installation. */

import { type Static, Type } from 'typebox'

export const customerSuccessConfig = Type.Object({
  CUSTOMER_SUCCESS_LATE_DAYS: Type.Integer({
    default: 400,
    minimum: 1,
    description: 'Events older than this are quarantined instead of counted, days.',
  }),
  CUSTOMER_SUCCESS_FEATURES: Type.Integer({
    default: 1_000,
    minimum: 1,
    maximum: 60_000,
    description: 'Features (event names) counted apart; the rest count as use of the product only.',
  }),
  CUSTOMER_SUCCESS_KEEP_RAW_DAYS: Type.Integer({
    default: 90,
    minimum: 1,
    description: 'Days raw events are kept. What is counted of them stays.',
  }),
  CUSTOMER_SUCCESS_KEEP_KEYS_DAYS: Type.Integer({
    default: 100,
    minimum: 35,
    description: 'Days a repeated event is known as one, from when it was first received. More than USAGE keeps.',
  }),
  CUSTOMER_SUCCESS_KEEP_USER_DAYS: Type.Integer({
    default: 400,
    minimum: 1,
    description: 'Days of use of persons are kept, days; 90 longer than late events are taken at least.',
  }),
  CUSTOMER_SUCCESS_KEEP_TEXT_DAYS: Type.Integer({
    default: 180,
    minimum: 1,
    description: 'Days free text is kept: of tickets, answers and cancellations, and notes on actions.',
  }),
  CUSTOMER_SUCCESS_ADOPTED_USES: Type.Integer({
    default: 3,
    minimum: 1,
    description:
      'Uses of a feature that make it adopted by an account, where the feature has no definition of its own.',
  }),
  CUSTOMER_SUCCESS_ADOPTED_WITHIN_DAYS: Type.Integer({
    default: 28,
    minimum: 1,
    maximum: 366,
    description: 'Days these uses are within.',
  }),
  CUSTOMER_SUCCESS_RAMP_DAYS: Type.Integer({
    default: 14,
    minimum: 0,
    description: 'Days a new account is given before it can be late with a feature.',
  }),
  CUSTOMER_SUCCESS_CONTROL_SHARE: Type.Number({
    default: 0.05,
    minimum: 0,
    maximum: 0.5,
    description: 'Share of accounts no playbook ever contacts, to compare all of them with.',
  }),
  CUSTOMER_SUCCESS_CONTACTS_PER_PERSON: Type.Integer({
    default: 2,
    minimum: 1,
    description: 'Contacts by playbooks a person gets in 7 days at most.',
  }),
  CUSTOMER_SUCCESS_CONTACTS_PER_ACCOUNT: Type.Integer({
    default: 5,
    minimum: 1,
    description: 'Contacts by playbooks an account gets in 7 days at most.',
  }),
  CUSTOMER_SUCCESS_QUIET_FROM_HOUR: Type.Integer({
    default: 19,
    minimum: 0,
    maximum: 23,
    description: "Hour of the person's day from which no mail is sent.",
  }),
  CUSTOMER_SUCCESS_QUIET_TO_HOUR: Type.Integer({
    default: 8,
    minimum: 0,
    maximum: 23,
    description: "Hour of the person's day from which mail is sent again.",
  }),
  CUSTOMER_SUCCESS_SMTP_URL: Type.Optional(
    Type.String({
      pattern: '^smtps?://',
      secret: true,
      description: 'Mail server, smtp://user:password@host:587 or smtps://...; without one, mail waits.',
    }),
  ),
  CUSTOMER_SUCCESS_MAIL_FROM: Type.String({
    default: 'plimsoll@localhost',
    pattern: '^[^\\s<>@]+@[^\\s<>@]+$',
    description: 'Sender of mail to customers.',
  }),
  CUSTOMER_SUCCESS_SLACK_WEBHOOK_URL: Type.Optional(
    Type.String({
      format: 'uri',
      secret: true,
      description: 'Incoming webhook of Slack; without one, its steps wait.',
    }),
  ),
  CUSTOMER_SUCCESS_CRM_WEBHOOK_URL: Type.Optional(
    Type.String({ format: 'uri', description: 'Where CRM steps are posted, signed like webhooks.' }),
  ),
  CUSTOMER_SUCCESS_WEBHOOK_SECRET: Type.Optional(
    Type.String({ minLength: 16, description: 'Signs webhooks (HMAC-SHA256); without one, they wait.' }),
  ),
})

export type CustomerSuccessConfig = Static<typeof customerSuccessConfig>
