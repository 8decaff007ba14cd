/** Templates that come with the product. Weights of components are those of the design; fitting moves them. */

import { type Configuration, ONBOARDING_DAYS, type Template } from './configuration.ts'
import type { Curve } from './curve.ts'

/** Points as they are. */
const PLAIN: Curve = [
  [0, 0],
  [100, 100],
]
/** Rank in the segment: the lower half loses, the median has nothing to catch up with. */
const RANK: Curve = [
  [0, 0],
  [0.5, 85],
  [1, 100],
]
/** Now over before: a quarter less is noticed, a half is serious, a third of what it was is nothing left; more is better. */
const TREND: Curve = [
  [0.35, 0],
  [0.6, 25],
  [0.85, 65],
  [1, 85],
  [1.2, 100],
]

const engagement = {
  active_seats: {
    weight: 20,
    curve: [
      [0, 0],
      [0.2, 40],
      [0.4, 70],
      [0.8, 100],
    ],
  },
  active_days: { weight: 10, curve: RANK },
  active_users: { weight: 25, curve: TREND },
  usage: { weight: 25, curve: TREND },
  champion: {
    weight: 20,
    curve: [
      [0, 100],
      [2, 85],
      [6, 30],
      [10, 0],
    ],
  },
} as const satisfies Template['metrics']

const adoption = {
  core_breadth: {
    weight: 50,
    curve: [
      [0, 0],
      [0.3, 40],
      [0.6, 80],
      [1, 100],
    ],
  },
  core_breadth_rank: { weight: 30, curve: RANK },
  depth: { weight: 20, curve: RANK },
} as const satisfies Template['metrics']

const support = {
  severe_tickets: {
    weight: 40,
    curve: [
      [0, 100],
      [1, 70],
      [3, 20],
      [5, 0],
    ],
  },
  open_tickets: {
    weight: 20,
    curve: [
      [0, 100],
      [2, 60],
      [6, 0],
    ],
  },
  oldest_ticket: {
    weight: 15,
    curve: [
      [1, 100],
      [7, 60],
      [30, 0],
    ],
  },
  reopened_tickets: {
    weight: 10,
    curve: [
      [0, 100],
      [3, 0],
    ],
  },
  csat: {
    weight: 15,
    curve: [
      [1, 0],
      [3, 50],
      [4.5, 100],
    ],
  },
} as const satisfies Template['metrics']

const payment = {
  failed_payments: {
    weight: 45,
    curve: [
      [0, 100],
      [1, 50],
      [3, 0],
    ],
  },
  overdue: {
    weight: 35,
    curve: [
      [3, 100],
      [14, 50],
      [45, 0],
    ],
  },
  seats_kept: {
    weight: 20,
    curve: [
      [0.5, 0],
      [0.9, 70],
      [1, 100],
    ],
  },
} as const satisfies Template['metrics']

const standard: Template = {
  weights: { engagement: 30, adoption: 20, api: 10, support: 15, payment: 15, sentiment: 10 },
  metrics: {
    ...engagement,
    ...adoption,
    api_volume: { weight: 60, curve: TREND },
    api_errors: {
      weight: 40,
      curve: [
        [0.01, 100],
        [0.05, 60],
        [0.25, 0],
      ],
    },
    ...support,
    ...payment,
    // Detractors answer 0 to 6, promoters 9 and 10 (Reichheld 2003).
    nps: {
      weight: 1,
      curve: [
        [3, 0],
        [6, 40],
        [9, 100],
      ],
    },
  },
  scale: PLAIN,
}

/** Without a baseline of its own an account is judged by how far it has come. */
const onboarding: Template = {
  ...standard,
  weights: { engagement: 40, adoption: 30, support: 15, payment: 10, sentiment: 5 },
}

/**
 * What PostHog's own team scores by (its public handbook): user engagement 15, product experience 5, company engagement 5,
 * products 75; an active-user share of 40 % is healthy and below 20 % poor, a drop of usage by 20 % is poor, and so are
 * more than ten tickets in 30 days.
 */
const productUsage: Template = {
  weights: { engagement: 15, support: 5, sentiment: 5, adoption: 75 },
  metrics: {
    active_seats: {
      weight: 50,
      curve: [
        [0, 0],
        [0.2, 40],
        [0.4, 70],
        [0.8, 100],
      ],
    },
    usage: {
      weight: 50,
      curve: [
        [0.5, 0],
        [0.8, 40],
        [1, 100],
      ],
    },
    open_tickets: {
      weight: 1,
      curve: [
        [0, 100],
        [10, 40],
        [20, 0],
      ],
    },
    core_breadth: adoption.core_breadth,
    nps: {
      weight: 1,
      curve: [
        [3, 0],
        [6, 40],
        [9, 100],
      ],
    },
  },
  scale: PLAIN,
}

/** What Sourcegraph's public handbook scores by: sentiment 30, technical 15, utilisation 55 (80 % of seats is healthy). */
const seatUtilisation: Template = {
  weights: { engagement: 55, support: 15, sentiment: 30 },
  metrics: {
    active_seats: {
      weight: 70,
      curve: [
        [0, 0],
        [0.5, 40],
        [0.8, 70],
        [1, 100],
      ],
    },
    active_days: { weight: 30, curve: RANK },
    severe_tickets: support.severe_tickets,
    nps: {
      weight: 1,
      curve: [
        [3, 0],
        [6, 40],
        [9, 100],
      ],
    },
  },
  scale: PLAIN,
}

export const DEFAULT_CONFIGURATION: Configuration = {
  version: 1,
  templates: {
    standard,
    onboarding,
    'product-usage': productUsage,
    'seat-utilisation': seatUtilisation,
  },
  rules: [{ template: 'onboarding', youngerThanDays: ONBOARDING_DAYS }, { template: 'standard' }],
}
