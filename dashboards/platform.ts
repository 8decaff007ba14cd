import * as units from '@grafana/grafana-foundation-sdk/units'
import { type Board, chosen, perSecond, quantile } from './board.ts'

const http = 'plimsoll_http_request_duration_seconds'
const errors = `${chosen},status=~"5.."`

/** Plimsoll itself: what its operator looks at. The thresholds are those of the alerts in deploy/prometheus. */
export const platform: Board = {
  uid: 'plimsoll-platform',
  title: 'Plimsoll itself',
  description: 'Whether Plimsoll takes in what it is sent, keeps up with it and answers.',
  rows: [
    {
      title: 'Is Plimsoll keeping up with what it is sent?',
      panels: [
        {
          kind: 'stat',
          title: 'Halted lanes',
          description: 'Lanes that met what no retry can mend. Nothing of such a lane is processed any more.',
          unit: units.Short,
          expr: `sum(max by (service, processor, lane) (plimsoll_lane_halted{${chosen}}))`,
          actNow: { from: 1, how: 'GET /ready says why, services/kit/lanes/README.md what to do.' },
          explainedBy: 'Lag',
        },
        {
          kind: 'stat',
          title: 'Furthest behind',
          description:
            'Age of the last message of the lane that is furthest behind. Over a minute for long: add replicas.',
          unit: units.Seconds,
          expr: `max(plimsoll_lane_lag_seconds{${chosen}})`,
          lookFrom: 60,
          explainedBy: 'Lag',
        },
        {
          kind: 'stat',
          title: 'Accepted',
          description: 'Points, spans and facts accepted per second from all sources.',
          unit: units.CountsPerSecond,
          expr: `sum(rate(plimsoll_gateway_accepted_total{${chosen}}[$__rate_interval]))`,
          explainedBy: 'Accepted by source',
        },
        {
          kind: 'stat',
          title: 'Refused',
          description: 'Elements refused in the time shown, without those that Plimsoll has no use for.',
          unit: units.Short,
          expr: `sum(increase(plimsoll_gateway_refused_total{${chosen},reason!="ignored"}[$__range])) or vector(0)`,
          lookFrom: 1,
          explainedBy: 'Refused by source and reason',
        },
        {
          kind: 'stat',
          title: 'Dead letters',
          description: 'Messages set aside for good in the time shown. "npm run deadletter" lists and replays them.',
          unit: units.Short,
          expr: `sum(increase(plimsoll_deadletter_total{${chosen}}[$__range])) or vector(0)`,
          lookFrom: 1,
          explainedBy: 'Retries and dead letters',
        },
        {
          kind: 'stat',
          title: 'Failed answers',
          description: 'Share of HTTP answers with a status of 500 or above.',
          unit: units.PercentUnit,
          expr: `(sum(rate(${http}_count{${errors}}[$__rate_interval])) or vector(0)) / sum(rate(${http}_count{${chosen}}[$__rate_interval]))`,
          lookFrom: 0.01,
          explainedBy: 'Answers other than success',
        },
      ],
    },
    {
      title: 'Ingest',
      panels: [
        {
          kind: 'graph',
          title: 'Accepted by source',
          description: 'Points, spans and facts accepted per second. A source that falls to zero has stopped sending.',
          unit: units.CountsPerSecond,
          queries: [
            { expr: perSecond('plimsoll_gateway_accepted_total', ['source', 'kind']), legend: '{{source}} {{kind}}' },
          ],
        },
        {
          kind: 'graph',
          title: 'Requests by source',
          description: 'Requests accepted per second, by source and protocol; those sent again count once.',
          unit: units.RequestsPerSecond,
          queries: [
            {
              expr: perSecond('plimsoll_gateway_requests_total', ['source', 'protocol']),
              legend: '{{source}} {{protocol}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Refused by source and reason',
          description: 'Elements refused per second. GET /v1/gateway/sources shows an example of each reason.',
          unit: units.CountsPerSecond,
          queries: [
            {
              expr: perSecond('plimsoll_gateway_refused_total', ['source', 'reason']),
              legend: '{{source}} {{reason}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Bytes by source',
          description: 'Bytes of accepted request bodies per second, as they came over the wire.',
          unit: units.BytesPerSecondIEC,
          queries: [{ expr: perSecond('plimsoll_gateway_received_bytes_total', ['source']), legend: '{{source}}' }],
        },
        {
          kind: 'graph',
          title: 'Waiting for the broker',
          description:
            'Bytes of requests that are read but not yet stored. Near its limit senders are told to come back later.',
          unit: units.BytesIEC,
          queries: [{ expr: `plimsoll_gateway_in_flight_bytes{${chosen}}`, legend: '{{instance}}' }],
        },
        {
          kind: 'graph',
          title: 'Series known',
          description: 'Series each gateway remembers. A steep climb is a label with ever new values.',
          unit: units.Short,
          queries: [{ expr: `plimsoll_gateway_series_count{${chosen}}`, legend: '{{instance}}' }],
        },
      ],
    },
    {
      title: 'Lanes',
      panels: [
        {
          kind: 'graph',
          title: 'Lag',
          description: 'Age of the last message of the lane furthest behind, by processor; zero when none waits.',
          unit: units.Seconds,
          queries: [
            {
              expr: `max by (service, processor) (plimsoll_lane_lag_seconds{${chosen}})`,
              legend: '{{service}} {{processor}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Messages waiting',
          description: 'Messages behind the last one processed, over all lanes of a processor.',
          unit: units.Short,
          queries: [
            {
              expr: `sum by (service, processor) (max by (service, processor, lane) (plimsoll_lane_lag_messages{${chosen}}))`,
              legend: '{{service}} {{processor}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Messages processed',
          description: 'Messages per second whose effects are committed.',
          unit: units.CountsPerSecond,
          queries: [
            {
              expr: perSecond('plimsoll_lane_message_total', ['service', 'processor']),
              legend: '{{service}} {{processor}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Time to commit',
          description: 'From the arrival of a batch to its commit, or of one tick: the slowest 1 %, by processor.',
          unit: units.Seconds,
          queries: [
            {
              expr: quantile(0.99, 'plimsoll_lane_batch_duration_seconds', ['service', 'processor']),
              legend: '{{service}} {{processor}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Outbox',
          description:
            'Facts that are committed but not yet at the broker. A climb means that the broker does not take them.',
          unit: units.Short,
          queries: [
            {
              expr: `max by (service, processor) (plimsoll_outbox_pending{${chosen}})`,
              legend: '{{service}} {{processor}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Retries and dead letters',
          description: 'Times per second a lane paused to try again, and messages it set aside for good.',
          unit: units.CountsPerSecond,
          queries: [
            { expr: perSecond('plimsoll_lane_retry_total', ['processor']), legend: 'retries of {{processor}}' },
            { expr: perSecond('plimsoll_deadletter_total', ['processor']), legend: 'dead letters of {{processor}}' },
          ],
        },
      ],
    },
    {
      title: 'HTTP',
      panels: [
        {
          kind: 'graph',
          title: 'Answers',
          description: 'HTTP answers per second, by route.',
          unit: units.RequestsPerSecond,
          queries: [{ expr: perSecond(`${http}_count`, ['method', 'route']), legend: '{{method}} {{route}}' }],
        },
        {
          kind: 'graph',
          title: 'Answers other than success',
          description:
            'Answers per second with a status of 400 or above. 4xx is the caller, 429 the limits, 5xx is Plimsoll.',
          unit: units.RequestsPerSecond,
          queries: [
            {
              expr: perSecond(`${http}_count`, ['route', 'status'], `${chosen},status=~"[45].."`),
              legend: '{{status}} {{route}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Time to answer',
          description: 'What the slowest 1 % of answers took, by route. Sources differ by the route they send to.',
          unit: units.Seconds,
          queries: [{ expr: quantile(0.99, http, ['method', 'route']), legend: '{{method}} {{route}}' }],
        },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          kind: 'graph',
          title: 'CPU',
          description: 'Cores in use by each process. JavaScript runs on one: near 1 a process can do no more.',
          unit: units.Short,
          queries: [{ expr: `rate(process_cpu_seconds_total{${chosen}}[$__rate_interval])`, legend: '{{instance}}' }],
        },
        {
          kind: 'graph',
          title: 'Memory',
          description: 'Resident memory of each process.',
          unit: units.BytesIEC,
          queries: [{ expr: `process_resident_memory_bytes{${chosen}}`, legend: '{{instance}}' }],
        },
        {
          kind: 'graph',
          title: 'Event loop delay',
          description: 'How late timers fire, the worst 1 %. Long delays slow every lane and answer of the process.',
          unit: units.Seconds,
          queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${chosen}}`, legend: '{{instance}}' }],
        },
      ],
    },
  ],
}
