/**
 * What is read when nothing else is asked for: request latency, traffic and errors by the names that instrumentation
 * libraries give them, and what every process and container states about itself. Go's, Node's and the JVM's inner life is left out.
 */
const families = [
  // Durations and latencies: histograms, summaries and their parts, native histograms, gauges of percentiles.
  '[a-zA-Z0-9_:]*(duration|latency|response_time|request_time|handling)[a-zA-Z0-9_:]*',
  'http_server_requests_seconds[a-zA-Z0-9_]*',
  // Traffic and errors.
  '[a-zA-Z0-9_:]*(requests|calls|messages|queries|jobs)_(total|count)',
  '[a-zA-Z0-9_:]*(errors|failures|exceptions|timeouts|retries|rejected|dropped)[a-zA-Z0-9_]*_total',
  'grpc_(server|client)_(handled|started)_total',
  // Saturation, by process and container.
  'process_(cpu_seconds_total|resident_memory_bytes|open_fds|max_fds)',
  'container_(cpu_usage_seconds_total|cpu_cfs_throttled_periods_total|memory_working_set_bytes)',
  'up',
]

export const defaultSelection = `(${families.join('|')})`

// The scraper's and the garbage collectors' own durations say nothing about requests.
const uninteresting = /^(scrape|go|jvm_gc|nodejs|python_gc|promhttp|net_conntrack)_/

/**
 * The metrics to read, sorted. `pattern` has to match a whole name. A pattern of one's own is taken at its word; the
 * default leaves out what is only about the runtime.
 * @example select(['up', 'go_gc_duration_seconds'], defaultSelection) // ['up']
 */
export function select(names: readonly string[], pattern: string): readonly string[] {
  const wanted = new RegExp(`^(?:${pattern})$`)
  return names.filter((name) => wanted.test(name) && (pattern !== defaultSelection || !uninteresting.test(name))).sort()
}
