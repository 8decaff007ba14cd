import { SERIES_KIND } from '@plimsoll/contracts/metric-batch.ts'
import { describe, expect, test } from 'vitest'
import { meaningOf } from './meaning.ts'

const { gauge, cumulativeCounter, cumulativeHistogram, unknown } = SERIES_KIND
const labels = (pairs: Record<string, string>) => new Map(Object.entries(pairs))

type Case = readonly [
  what: string,
  name: string,
  unit: string,
  kind: number,
  labels: Record<string, string>,
  expected: object,
]

const cases: readonly Case[] = [
  [
    'Prometheus histogram',
    'http_request_duration_seconds_bucket',
    '',
    unknown,
    { job: 'cart', handler: '/cart', method: 'get', code: '200', le: '0.25' },
    {
      role: 'bucket',
      place: { service: 'cart', endpoint: '/cart', method: 'GET', instrument: 'http_request_duration_seconds' },
      stratum: { statusClass: 2 },
      upperBound: 0.25,
      unitMs: 1000,
    },
  ],
  [
    'its highest bucket',
    'http_request_duration_seconds_bucket',
    '',
    unknown,
    { job: 'cart', le: '+Inf' },
    { role: 'bucket', upperBound: Infinity, place: { endpoint: '*' } },
  ],
  [
    'OpenTelemetry, seconds',
    'http.server.request.duration',
    's',
    cumulativeHistogram,
    {
      'service.name': 'cart',
      'http.route': '/cart/{id}',
      'http.request.method': 'GET',
      'http.response.status_code': '503',
      'service.version': '1.4',
      'tenant.tier': 'gold',
      'payload.size_class': 'large',
    },
    {
      role: 'histogram',
      place: { service: 'cart', endpoint: '/cart/{id}', method: 'GET' },
      stratum: { statusClass: 5, release: '1.4', requestClass: 'gold large' },
      unitMs: 1000,
    },
  ],
  [
    'OpenTelemetry before 1.0, milliseconds without a unit',
    'http.server.duration',
    '',
    cumulativeHistogram,
    { service_name: 'cart', http_target: '/cart/4711', http_status_code: '404' },
    { role: 'histogram', place: { endpoint: '/cart/{id}' }, stratum: { statusClass: 4 }, unitMs: 1 },
  ],
  [
    'requests by status',
    'http_requests_total',
    '',
    unknown,
    { job: 'cart', path: '/cart', status: '500' },
    { role: 'requests', stratum: { statusClass: 5 } },
  ],
  [
    'gRPC',
    'grpc_server_handling_seconds_bucket',
    '',
    unknown,
    { job: 'cart', grpc_service: 'shop.Cart', grpc_method: 'Get', grpc_code: 'OK', le: '1' },
    { role: 'bucket', place: { endpoint: 'shop.Cart/Get' }, stratum: { statusClass: 2 } },
  ],
  [
    'gRPC calls that the server failed',
    'grpc_server_handled_total',
    '',
    unknown,
    { job: 'cart', grpc_service: 'shop.Cart', grpc_method: 'Get', grpc_code: 'Unavailable' },
    { role: 'requests', stratum: { statusClass: 5 } },
  ],
  [
    'Istio as the server saw it',
    'istio_request_duration_milliseconds_bucket',
    '',
    unknown,
    {
      reporter: 'destination',
      source_workload: 'web',
      destination_service_name: 'cart',
      destination_version: 'v2',
      response_code: '200',
      le: '5',
    },
    {
      role: 'bucket',
      place: { service: 'cart' },
      stratum: { release: 'v2' },
      unitMs: 1,
      edge: { caller: 'web', callee: 'cart' },
    },
  ],
  [
    'Istio as the client saw it: only that the two talk',
    'istio_requests_total',
    '',
    unknown,
    { reporter: 'source', source_workload: 'web', destination_service_name: 'cart' },
    { role: 'none', edge: { caller: 'web', callee: 'cart' } },
  ],
  [
    'Envoy',
    'envoy_cluster_upstream_rq_time_bucket',
    '',
    unknown,
    { envoy_cluster_name: 'cart', le: '25' },
    { role: 'bucket', place: { service: 'cart' }, unitMs: 1 },
  ],
  [
    'Traefik',
    'traefik_service_request_duration_seconds_bucket',
    '',
    unknown,
    { service: 'cart@docker', code: '201', method: 'POST', le: '0.1' },
    { role: 'bucket', place: { service: 'cart', method: 'POST' } },
  ],
  [
    'nginx ingress',
    'nginx_ingress_controller_requests',
    '',
    cumulativeCounter,
    { exported_service: 'cart', ingress: 'shop', path: '/cart', status: '502' },
    { role: 'requests', place: { service: 'cart', endpoint: '/cart' }, stratum: { statusClass: 5 } },
  ],
  [
    'Spring',
    'http_server_requests_seconds_count',
    '',
    unknown,
    { application: 'cart', uri: '/cart', method: 'GET', status: '200', outcome: 'SUCCESS' },
    { role: 'requests', place: { service: 'cart', endpoint: '/cart' }, stratum: { statusClass: 2 } },
  ],
  [
    "a summary's percentile",
    'http_request_duration_seconds',
    '',
    gauge,
    { job: 'cart', quantile: '0.95' },
    { role: 'quantile', quantile: 0.95, scale: 1000, place: { endpoint: '*' } },
  ],
  [
    'a percentile in the name',
    'checkout_latency_p99_ms',
    '',
    gauge,
    { job: 'checkout' },
    { role: 'quantile', quantile: 0.99, scale: 1 },
  ],
  [
    'a saturation',
    'worker_queue_length',
    '',
    gauge,
    { job: 'mail', queue: 'orders', instance: 'a:80' },
    { role: 'gauge', kind: 'saturation', place: { service: 'mail', endpoint: 'worker_queue_length{queue="orders"}' } },
  ],
  [
    'an edge of the service graph',
    'traces_service_graph_request_client_seconds',
    '',
    gauge,
    { client: 'web', server: 'cart', quantile: '0.5' },
    {
      role: 'quantile',
      place: { service: 'web', endpoint: 'calls cart' },
      edge: { caller: 'web', callee: 'cart' },
    },
  ],
  ['memory of a process', 'process_resident_memory_bytes', '', gauge, { job: 'cart' }, { role: 'none' }],
  ['garbage collection', 'go_gc_duration_seconds', '', gauge, { job: 'cart', quantile: '0.5' }, { role: 'none' }],
  ['sizes', 'http_response_size_bytes_bucket', '', unknown, { job: 'cart', le: '100' }, { role: 'none' }],
]

describe('what a series means', () => {
  test.each(cases)('%s', (_what, name, unit, kind, pairs, expected) => {
    expect(meaningOf(name, unit, kind, labels(pairs))).toMatchObject(expected)
  })
})
