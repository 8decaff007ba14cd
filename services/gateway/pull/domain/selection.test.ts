import { expect, test } from 'vitest'
import { defaultSelection, select } from './selection.ts'

test.each([
  'http_request_duration_seconds_bucket',
  'http_server_request_duration_seconds',
  'http_server_requests_seconds_count',
  'prometheus_http_request_duration_seconds_sum',
  'grpc_server_handling_seconds_bucket',
  'http_requests_total',
  'job:request_latency_seconds:p99',
  'istio_requests_total',
  'app_errors_total',
  'process_resident_memory_bytes',
  'container_cpu_usage_seconds_total',
  'up',
])('%s is read by default', (name) => {
  expect(select([name], defaultSelection)).toEqual([name])
})

test.each([
  'go_gc_duration_seconds',
  'scrape_duration_seconds',
  'go_goroutines',
  'node_cpu_seconds_total',
  'kube_pod_info',
])('%s is not', (name) => {
  expect(select([name], defaultSelection)).toEqual([])
})

test('a pattern of one’s own is taken at its word and has to match whole names', () => {
  expect(select(['node_load1', 'go_gc_duration_seconds', 'xnode_load1'], 'node_.*|go_.*')).toEqual([
    'go_gc_duration_seconds',
    'node_load1',
  ])
})
