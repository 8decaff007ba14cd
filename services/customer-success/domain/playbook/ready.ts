/** Playbooks to begin with. Each is an ordinary definition: copied, changed and activated like any other. */

import type { Playbook } from './playbook.ts'

const DAILY = 24
const base = { reenrolment: { kind: 'maxNPerDays', n: 1, days: 90 }, holdoutShare: 0.2 } as const
const staysCustomer = {
  metric: 'isCancelled',
  direction: 'down',
  target: 0,
  windowDays: 60,
  leastEffect: 0.05,
} as const

export const READY_PLAYBOOKS: Readonly<Record<string, Playbook>> = {
  'low-engagement': {
    ...base,
    name: 'Training for accounts that use little',
    description: 'A third of the seats or fewer were active in 28 days, for a week.',
    trigger: { kind: 'condition', condition: { metric: 'activeShare', is: '<=', value: 0.33 }, dwellDays: 7 },
    audience: {
      all: [
        { metric: 'ageDays', is: '>=', value: 28 },
        { metric: 'isCancelled', is: '=', value: 0 },
      ],
    },
    priority: 40,
    steps: [
      {
        id: 'invite',
        kind: 'email',
        subject: 'Get more people started at {{account}}',
        text: 'Some of your colleagues have not started yet. We hold a training of 30 minutes every week: answer this mail and we will save a place for your team.',
      },
      { id: 'settle', kind: 'wait', hours: 5 * DAILY },
      { id: 'active', kind: 'branch', when: { metric: 'activeShare', is: '>', value: 0.5 }, yes: 'end', no: 'call' },
      { id: 'call', kind: 'task', title: 'Offer {{account}} a training by phone' },
    ],
    exit: { metric: 'isCancelled', is: '=', value: 1 },
    goal: { metric: 'activeShare', direction: 'up', target: 0.5, windowDays: 28, leastEffect: 0.1 },
  },
  'high-churn-risk': {
    ...base,
    name: 'Retention of accounts at risk',
    description: 'A risk episode was raised.',
    trigger: { kind: 'event', event: 'risk_raised' },
    priority: 90,
    steps: [
      { id: 'tell', kind: 'slack', text: '{{account}} is at risk: {{reason}}' },
      { id: 'call', kind: 'task', title: 'Call {{account}} within two days: {{reason}}' },
      { id: 'settle', kind: 'wait', hours: 7 * DAILY },
      { id: 'still', kind: 'branch', when: { metric: 'isAtRisk', is: '=', value: 1 }, yes: 'sponsor', no: 'end' },
      { id: 'sponsor', kind: 'task', title: 'Bring the sponsor of {{account}} to a review' },
    ],
    exit: { metric: 'isCancelled', is: '=', value: 1 },
    goal: staysCustomer,
  },
  'new-customer': {
    ...base,
    name: 'Check-in after 1, 3 and 7 days',
    description: 'The contract began yesterday.',
    trigger: { kind: 'condition', condition: { metric: 'ageDays', is: '=', value: 1 }, dwellDays: 1 },
    reenrolment: { kind: 'maxN', n: 1 },
    priority: 60,
    steps: [
      {
        id: 'day-1',
        kind: 'in_app',
        title: 'Welcome',
        text: 'Three steps to begin with: invite your colleagues, bring in your data, build your first report.',
      },
      { id: 'to-day-3', kind: 'wait', hours: 2 * DAILY },
      {
        id: 'day-3',
        kind: 'email',
        subject: 'How are your first days, {{account}}?',
        text: 'You have had three days. If anything stands in your way, answer this mail: a person reads it.',
      },
      { id: 'to-day-7', kind: 'wait', hours: 4 * DAILY },
      {
        id: 'started',
        kind: 'branch',
        when: { metric: 'coreBreadth', is: '>=', value: 0.5 },
        yes: 'end',
        no: 'day-7',
      },
      { id: 'day-7', kind: 'task', title: 'Call {{account}}: a week old, less than half of the core features in use' },
    ],
    goal: { metric: 'coreBreadth', direction: 'up', target: 0.5, windowDays: 28, leastEffect: 0.1 },
  },
  'adoption-lag': {
    ...base,
    name: 'Education about unused core features',
    description: 'The account uses fewer of the core features than accounts like it.',
    trigger: { kind: 'event', event: 'adoption_lag' },
    priority: 30,
    steps: [
      { id: 'hint', kind: 'in_app', title: 'There is more in your plan', text: '{{reason}}' },
      { id: 'settle', kind: 'wait', hours: 7 * DAILY },
      {
        id: 'lesson',
        kind: 'email',
        subject: 'What others do with it',
        text: '{{reason}}\n\nEach has a lesson of five minutes in the product.',
      },
    ],
    goal: { metric: 'coreBreadth', direction: 'up', windowDays: 42, leastEffect: 0.1 },
  },
  'failed-payment': {
    ...base,
    name: 'Dunning',
    description: 'A payment failed.',
    trigger: { kind: 'event', event: 'payment_failed' },
    reenrolment: { kind: 'maxNPerDays', n: 1, days: 25 },
    priority: 95,
    // Held out less: an invoice that is not paid costs more than is learned.
    holdoutShare: 0.05,
    steps: [
      {
        id: 'first',
        kind: 'email',
        to: 'billing',
        subject: 'A payment of {{account}} did not go through',
        text: 'We will try again in three days. Please check the means of payment in your settings.',
      },
      { id: 'to-day-3', kind: 'wait', hours: 3 * DAILY },
      { id: 'open', kind: 'branch', when: { metric: 'failedInvoices', is: '>', value: 0 }, yes: 'second', no: 'end' },
      {
        id: 'second',
        kind: 'email',
        to: 'billing',
        subject: 'The payment of {{account}} failed again',
        text: 'Please check the means of payment in your settings, or answer this mail.',
      },
      { id: 'to-day-7', kind: 'wait', hours: 4 * DAILY },
      { id: 'still', kind: 'branch', when: { metric: 'failedInvoices', is: '>', value: 0 }, yes: 'call', no: 'end' },
      { id: 'call', kind: 'task', title: 'Call {{account}} about its failed payment' },
    ],
    goal: { metric: 'failedInvoices', direction: 'down', target: 0, windowDays: 21, leastEffect: 0.1 },
  },
  'champion-inactive': {
    ...base,
    name: 'Outreach to the sponsor',
    description: 'The person who used it most regularly has missed ten visits of their own pace.',
    trigger: { kind: 'condition', condition: { metric: 'championMissedDays', is: '>=', value: 10 }, dwellDays: 2 },
    audience: { metric: 'isCancelled', is: '=', value: 0 },
    priority: 70,
    steps: [
      { id: 'ask', kind: 'task', title: 'Ask the sponsor of {{account}} who follows its champion' },
      { id: 'settle', kind: 'wait', hours: 3 * DAILY },
      {
        id: 'offer',
        kind: 'email',
        to: 'sponsor',
        subject: 'Who takes over at {{account}}?',
        text: 'The colleague who worked with our product most has not been there lately. We are glad to introduce whoever takes over.',
      },
    ],
    goal: staysCustomer,
  },
}

/** What people start by hand. Nobody is held out; its effect is only observed. */
export const MANUAL_ACTIONS = {
  ebr: 'Executive business review',
  deep_dive: 'Deep dive',
  custom_training: 'Custom training',
  success_plan: 'Success plan',
  expansion: 'Expansion',
} as const

export type ManualAction = keyof typeof MANUAL_ACTIONS

/** What a manual action is judged by. */
export const MANUAL_GOAL = staysCustomer
