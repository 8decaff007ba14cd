import * as units from '@grafana/grafana-foundation-sdk/units'
import { type Board, chosen, perSecond, quantile } from './board.ts'

const http = 'plimsoll_http_request_duration_seconds'
const batches = 'plimsoll_lane_batch_duration_seconds'
const success = `${chosen},service="customer-success"`
const routes = `${chosen},route=~"/v1/customer-success.*"`

/** How customer success reads usage and judges accounts, and what it found, from reporting's views (`board_*`). */
export const customerSuccess: Board = {
  uid: 'plimsoll-customer-success',
  title: 'Customer success',
  description: 'Which accounts are slipping away, what was done about it, and whether the service keeps up.',
  rows: [
    {
      title: 'Does customer success judge every account, in time?',
      panels: [
        {
          kind: 'stat',
          title: 'Usage stored',
          description: 'Usage events that are stored and in every figure, per second.',
          unit: units.CountsPerSecond,
          expr: `sum(rate(plimsoll_customer_success_events_total{${chosen},outcome="stored"}[$__rate_interval]))`,
          explainedBy: 'Usage by outcome',
        },
        {
          kind: 'stat',
          title: 'Events taken in',
          description: 'Usage events and facts about customers that the gateway accepted, per second.',
          unit: units.CountsPerSecond,
          expr: `sum(rate(plimsoll_gateway_accepted_total{${chosen},kind="events"}[$__rate_interval]))`,
          explainedBy: 'Events by source',
        },
        {
          kind: 'stat',
          title: 'Behind',
          description: 'Age of the last message of the lane of customer success that is furthest behind.',
          unit: units.Seconds,
          expr: `max(plimsoll_lane_lag_seconds{${success}})`,
          lookFrom: 60,
          explainedBy: 'Lag',
        },
        {
          kind: 'stat',
          title: 'Days open',
          description:
            'Time since the end of the last day whose accounts are scored. Above two days nobody came, or scoring stands still.',
          unit: units.Seconds,
          expr: `time() - max(plimsoll_customer_success_day_closed_seconds{${chosen},ticker="health"})`,
          lookFrom: 172_800,
          explainedBy: 'Closed up to',
        },
        {
          kind: 'stat',
          title: 'Slow scoring',
          description: 'What the slowest 1 % of the ticks took in which accounts are scored.',
          unit: units.Seconds,
          expr: quantile(0.99, batches, [], `${success},processor="health"`),
          lookFrom: 10,
          explainedBy: 'Time to commit',
        },
      ],
    },
    {
      title: 'Accounts',
      panels: [
        {
          kind: 'table',
          title: 'Accounts by band',
          description:
            'Accounts in each band of the health score, worst first, and how many have an open risk episode.',
          unit: units.NoUnit,
          sql: `select band, count(*) as accounts, count(risk_raised_at) as "open risks", round(avg(score)::numeric, 1) as "mean score" from board_account group by band order by avg(score)`,
        },
        {
          kind: 'table',
          title: 'Open risks',
          description:
            'Accounts at risk of leaving, the largest monthly revenue first, in the minor unit of its currency.',
          unit: units.NoUnit,
          sql: `select account_id as account, score, trend7 as "7 days", mrr_at_risk_minor as "a month, minor unit", currency, risk_raised_at as since, open_actions as "open actions", risk_reason as why from board_account where risk_raised_at is not null order by mrr_at_risk_minor desc, account_id limit 50`,
        },
        {
          kind: 'table',
          title: 'Playbooks',
          description:
            'Accounts enrolled in the time shown, by arm, and how many reached the goal. Whether a difference is more than chance: GET /v1/customer-success/playbooks/:id/effect.',
          unit: units.NoUnit,
          sql: `select playbook, arm, count(*) as enrolled, count(outcome_at) as "outcome known", count(*) filter (where reached) as "goal reached" from board_action where $__timeFilter(triggered_at) group by playbook, arm order by playbook, arm desc`,
        },
        {
          kind: 'table',
          title: 'What happened',
          description: 'Bands left, risks raised and cleared, actions and their outcomes, newest first.',
          unit: units.NoUnit,
          sql: `select at as time, account_id as account, kind, text from board_event where $__timeFilter(at) order by at desc limit 100`,
        },
      ],
    },
    {
      title: 'Working',
      panels: [
        {
          kind: 'graph',
          title: 'Events by source',
          description: 'Usage events and facts about customers accepted per second. A source at zero stopped sending.',
          unit: units.CountsPerSecond,
          queries: [
            {
              expr: perSecond('plimsoll_gateway_accepted_total', ['source'], `${chosen},kind="events"`),
              legend: '{{source}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Usage by outcome',
          description: 'Usage events per second: stored, repeated, kept apart for their time, of who was erased.',
          unit: units.CountsPerSecond,
          queries: [
            { expr: perSecond('plimsoll_customer_success_events_total', ['outcome'], chosen), legend: '{{outcome}}' },
          ],
        },
        {
          kind: 'graph',
          title: 'Closed up to',
          description: 'Time since the end of the last closed day, by what closes days. It grows until somebody comes.',
          unit: units.Seconds,
          queries: [
            {
              expr: `time() - max by (ticker) (plimsoll_customer_success_day_closed_seconds{${chosen}})`,
              legend: '{{ticker}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Risks open',
          description: 'Accounts with an open risk episode.',
          unit: units.NoUnit,
          queries: [{ expr: `max(plimsoll_customer_success_risks_open{${chosen}})`, legend: 'open' }],
        },
        {
          kind: 'graph',
          title: 'Steps of playbooks',
          description: 'Steps per second by what they came to, and why they were put off or not done.',
          unit: units.CountsPerSecond,
          queries: [
            {
              expr: perSecond('plimsoll_customer_success_steps_total', ['outcome', 'reason'], chosen),
              legend: '{{outcome}} {{reason}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Messages processed',
          description: 'Messages per second whose effects are committed, by processor.',
          unit: units.CountsPerSecond,
          queries: [
            { expr: perSecond('plimsoll_lane_message_total', ['processor'], success), legend: '{{processor}}' },
          ],
        },
        {
          kind: 'graph',
          title: 'Lag',
          description: 'Age of the last message of the lane furthest behind, by processor; zero when none waits.',
          unit: units.Seconds,
          queries: [{ expr: `max by (processor) (plimsoll_lane_lag_seconds{${success}})`, legend: '{{processor}}' }],
        },
        {
          kind: 'graph',
          title: 'Time to commit',
          description: 'From the arrival of a batch to its commit, or of one tick: the median and the slowest 1 %.',
          unit: units.Seconds,
          queries: [
            { expr: quantile(0.5, batches, ['processor'], success), legend: '{{processor}} median' },
            { expr: quantile(0.99, batches, ['processor'], success), legend: '{{processor}} slowest 1 %' },
          ],
        },
        {
          kind: 'graph',
          title: 'Answers',
          description: 'Answers per second of the customer success API, by route and status.',
          unit: units.RequestsPerSecond,
          queries: [{ expr: perSecond(`${http}_count`, ['route', 'status'], routes), legend: '{{status}} {{route}}' }],
        },
        {
          kind: 'graph',
          title: 'Time to answer',
          description: 'What the slowest 1 % of answers of the customer success API took, by route.',
          unit: units.Seconds,
          queries: [{ expr: quantile(0.99, http, ['route'], routes), legend: '{{route}}' }],
        },
      ],
    },
  ],
}
