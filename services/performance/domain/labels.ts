/**
 * Label dialects: the names that exporters, meshes and proxies give to the same few facts. Names are compared in their
 * Prometheus form (dots as underscores). The first name present wins, so the order of a list is its precedence.
 */

export type Labels = ReadonlyMap<string, string>

export type StatusClass = 0 | 1 | 2 | 3 | 4 | 5

const service = [
  'service_name',
  'destination_canonical_service',
  'destination_service_name',
  'destination_workload',
  'exported_service',
  'service',
  'app_kubernetes_io_name',
  'app',
  'application',
  'envoy_cluster_name',
  'exported_job',
  'job',
  'deployment',
  'container',
  'instance',
] as const

const environment = ['deployment_environment_name', 'deployment_environment', 'environment', 'env'] as const

const release = [
  'service_version',
  'destination_version',
  'destination_canonical_revision',
  'app_kubernetes_io_version',
  'release',
  'app_version',
  'version',
] as const

const endpoint = [
  'http_route',
  'route',
  'handler',
  'path',
  'uri',
  'endpoint',
  'rpc_method',
  'grpc_method',
  'url_path',
  'http_target',
  'operation',
  'span_name',
  'action',
  'destination',
  'topic',
  'queue',
  'ingress',
] as const

const method = ['http_request_method', 'http_method', 'request_method', 'method', 'verb'] as const

const status = [
  'http_response_status_code',
  'http_status_code',
  'status_code',
  'response_code',
  'envoy_response_code',
  'envoy_response_code_class',
  'response_code_class',
  'code',
  'status',
  'outcome',
] as const

const grpcStatus = [
  'grpc_code',
  'grpc_status',
  'grpc_response_status',
  'rpc_grpc_status_code',
  'rpc_response_status_code',
] as const

/** Senders' own words: the semantic conventions have none for either. Their values are few; sizes come as classes. */
const tenantTier = ['tenant_tier', 'customer_tier', 'account_tier'] as const
const payloadClass = ['payload_size_class', 'request_size_class', 'response_size_class'] as const

const peer = ['server_address', 'peer_service', 'destination_peer', 'net_peer_name', 'target_service'] as const

/** Labels that tell one replica of a thing from another: values of replicas are put together. */
const replica = new Set([
  'instance',
  'pod',
  'pod_name',
  'host',
  'hostname',
  'host_name',
  'node',
  'container_id',
  'service_instance_id',
  'exported_instance',
  'replica',
  'pid',
  'prometheus',
  'prometheus_replica',
  'k8s_pod_name',
  'k8s_pod_uid',
  'k8s_node_name',
])

const notPartOfAGauge = new Set<string>([...service, ...environment, ...release, 'namespace', 'le', 'quantile'])

function first(labels: Labels, names: readonly string[]): string {
  for (const name of names) {
    const value = labels.get(name)
    if (value !== undefined && value !== '') return value
  }
  return ''
}

/** Traefik names a service `name@provider`. */
export const serviceOf = (labels: Labels): string => first(labels, service).replace(/@[a-z]+$/, '')
export const environmentOf = (labels: Labels): string => first(labels, environment)
export const releaseOf = (labels: Labels): string => first(labels, release)
export const peerOf = (labels: Labels): string => first(labels, peer)

/** What makes requests of one endpoint alike beside their status, e.g. `gold large`; empty when no label states it. */
export function requestClassOf(labels: Labels): string {
  return `${first(labels, tenantTier)} ${first(labels, payloadClass)}`.trim()
}

/** HTTP methods are upper case; anything else in these labels (an RPC method) belongs to the endpoint. */
export function methodOf(labels: Labels): string {
  const value = first(labels, method)
  return /^[a-z]{3,7}$/i.test(value) && httpMethods.has(value.toUpperCase()) ? value.toUpperCase() : ''
}

const httpMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY'])

/** Route, RPC (`service/method`), queue ...; empty when the series is about the service as a whole. */
export function endpointOf(labels: Labels): string {
  const rpcService = labels.get('rpc_service') ?? labels.get('grpc_service')
  const rpcMethod = labels.get('rpc_method') ?? labels.get('grpc_method')
  if (rpcMethod !== undefined && rpcMethod !== '') return rpcService ? `${rpcService}/${rpcMethod}` : rpcMethod
  const plain = first(labels, endpoint)
  if (plain !== '') return plain
  const loose = labels.get('method') ?? ''
  return loose !== '' && !httpMethods.has(loose.toUpperCase()) ? loose : ''
}

/** Class of the answer, 0 when no label states one. gRPC codes are mapped by whose fault they are: 5 the server's. */
export function statusClassOf(labels: Labels): StatusClass {
  const grpc = first(labels, grpcStatus)
  if (grpc !== '') return grpcClass(grpc)
  const stated = statusClass(first(labels, status))
  if (stated !== 0) return stated
  const error = labels.get('error_type') ?? labels.get('exception') ?? ''
  if (error !== '' && !/^none$/i.test(error)) return 5
  return labels.get('error') === 'true' ? 5 : 0
}

function statusClass(value: string): StatusClass {
  const code = /^([1-5])(\d\d|xx)?$/i.exec(value)?.[1]
  if (code !== undefined) return Number(code) as StatusClass
  switch (value.toLowerCase()) {
    case 'ok':
    case 'success':
      return 2
    case 'redirection':
      return 3
    case 'client_error':
      return 4
    case 'error':
    case 'failed':
    case 'failure':
    case 'server_error':
      return 5
    default:
      return 0
  }
}

/** gRPC status codes that a server is to blame for (OpenTelemetry semantic conventions, "gRPC server status"). */
const grpcServerFault = new Set([
  'unknown',
  'deadline_exceeded',
  'deadlineexceeded',
  'unimplemented',
  'internal',
  'unavailable',
  'data_loss',
  'dataloss',
  '2',
  '4',
  '12',
  '13',
  '14',
  '15',
])

function grpcClass(value: string): StatusClass {
  const code = value.toLowerCase()
  if (code === 'ok' || code === '0') return 2
  return grpcServerFault.has(code) ? 5 : 4
}

/** What tells a gauge from others of its name within one service, e.g. `{queue="orders"}`; empty when nothing does. */
export function gaugeDimensions(labels: Labels): string {
  const parts: string[] = []
  for (const [name, value] of labels) {
    if (value !== '' && !replica.has(name) && !notPartOfAGauge.has(name)) parts.push(`${name}="${value}"`)
  }
  return parts.length === 0 ? '' : `{${parts.sort().join(',')}}`
}
