import * as units from '@grafana/grafana-foundation-sdk/units'
import { type Board, chosen, perSecond, quantile } from './board.ts'

const http = 'plimsoll_http_request_duration_seconds'
const samples = 'plimsoll_performance_samples_total'
const batches = 'plimsoll_lane_batch_duration_seconds'
const performance = `${chosen},service="performance"`
const routes = `${chosen},route=~"/v1/performance.*"`

/** How performance reads telemetry and reaches its decisions. What it decided lies in its API, not in Prometheus. */
export const engineering: Board = {
  uid: 'plimsoll-engineering',
  title: 'Engineering',
  description: 'How the performance service reads telemetry, decides and answers.',
  rows: [
    {
      title: 'Does performance judge everything it is sent, in time?',
      panels: [
        {
          kind: 'stat',
          title: 'Samples read',
          description: 'Samples and spans per second that the regression lanes read.',
          unit: units.CountsPerSecond,
          expr: `sum(rate(${samples}{${chosen},outcome="read"}[$__rate_interval]))`,
          explainedBy: 'Samples set aside',
        },
        {
          kind: 'stat',
          title: 'Lost to judgement',
          description: 'Share of samples that came too late for their window or of endpoints beyond the cap.',
          unit: units.PercentUnit,
          expr: `(sum(rate(${samples}{${chosen},outcome=~"late|overflow"}[$__rate_interval])) or vector(0)) / sum(rate(${samples}{${chosen},outcome="read"}[$__rate_interval]))`,
          lookFrom: 0.01,
          explainedBy: 'Samples set aside',
        },
        {
          kind: 'stat',
          title: 'Series kept',
          description: 'Series that the lanes keep windows and baselines of.',
          unit: units.Short,
          expr: `sum(max by (lane) (plimsoll_performance_lane_series{${chosen}}))`,
          explainedBy: 'Series by lane',
        },
        {
          kind: 'stat',
          title: 'Behind',
          description: 'Age of the last message of the regression lane that is furthest behind.',
          unit: units.Seconds,
          expr: `max(plimsoll_lane_lag_seconds{${performance},processor="regression"})`,
          lookFrom: 60,
          explainedBy: 'Lag by lane',
        },
        {
          kind: 'stat',
          title: 'Slow ticks of cause',
          description:
            'What the slowest 1 % of the ticks took in which causes are told apart; four are due each second.',
          unit: units.Seconds,
          expr: quantile(0.99, batches, [], `${performance},processor="cause"`),
          lookFrom: 0.25,
          explainedBy: 'Time to commit',
        },
      ],
    },
    {
      title: 'Reading',
      panels: [
        {
          kind: 'graph',
          title: 'Samples set aside',
          description:
            'Samples per second by why they were not folded: meaningless here, repeated, late, no number, beyond the cap.',
          unit: units.CountsPerSecond,
          queries: [{ expr: perSecond(samples, ['outcome'], `${chosen},outcome!="read"`), legend: '{{outcome}}' }],
        },
        {
          kind: 'graph',
          title: 'Series by lane',
          description: 'Series each lane keeps. One lane far above the others is one service with very many endpoints.',
          unit: units.Short,
          queries: [{ expr: `max by (lane) (plimsoll_performance_lane_series{${chosen}})`, legend: 'lane {{lane}}' }],
        },
        {
          kind: 'graph',
          title: 'Lag by lane',
          description: 'Age of the last message of each regression lane while more wait.',
          unit: units.Seconds,
          queries: [
            {
              expr: `max by (lane) (plimsoll_lane_lag_seconds{${performance},processor="regression"})`,
              legend: 'lane {{lane}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Deciding',
      panels: [
        {
          kind: 'graph',
          title: 'Messages processed',
          description: 'Messages per second whose effects are committed, by processor.',
          unit: units.CountsPerSecond,
          queries: [
            { expr: perSecond('plimsoll_lane_message_total', ['processor'], performance), legend: '{{processor}}' },
          ],
        },
        {
          kind: 'graph',
          title: 'Time to commit',
          description: 'From the arrival of a batch to its commit, or of one tick: the median and the slowest 1 %.',
          unit: units.Seconds,
          queries: [
            { expr: quantile(0.5, batches, ['processor'], performance), legend: '{{processor}} median' },
            { expr: quantile(0.99, batches, ['processor'], performance), legend: '{{processor}} slowest 1 %' },
          ],
        },
        {
          kind: 'graph',
          title: 'Alarms withheld',
          description: 'Alarms of latency per second that became no regression: only the mix of requests had changed.',
          unit: units.CountsPerSecond,
          queries: [
            {
              expr: perSecond('plimsoll_performance_alarms_withheld_total', [], chosen),
              legend: 'explained by the mix',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Retries',
          description: 'Times per second a lane of performance paused and tried again. Look at the database first.',
          unit: units.CountsPerSecond,
          queries: [
            { expr: perSecond('plimsoll_lane_retry_total', ['processor'], performance), legend: '{{processor}}' },
          ],
        },
      ],
    },
    {
      title: 'Answering',
      panels: [
        {
          kind: 'graph',
          title: 'Answers',
          description: 'Answers per second of the performance API, by route and status.',
          unit: units.RequestsPerSecond,
          queries: [{ expr: perSecond(`${http}_count`, ['route', 'status'], routes), legend: '{{status}} {{route}}' }],
        },
        {
          kind: 'graph',
          title: 'Time to answer',
          description: 'What the slowest 1 % of answers of the performance API took, by route.',
          unit: units.Seconds,
          queries: [{ expr: quantile(0.99, http, ['route'], routes), legend: '{{route}}' }],
        },
        {
          kind: 'graph',
          title: 'Garbage collection',
          description: 'Share of time each process stood still to collect garbage, by kind of collection.',
          unit: units.PercentUnit,
          queries: [
            {
              expr: perSecond('nodejs_gc_duration_seconds_sum', ['instance', 'kind']),
              legend: '{{instance}} {{kind}}',
            },
          ],
        },
      ],
    },
  ],
}
