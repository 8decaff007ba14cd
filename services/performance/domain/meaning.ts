/**
 * What a series means for performance, read off its name, unit and labels once, when it is first seen. Most series of a
 * real installation mean nothing here and cost no more than the lookup that says so.
 *
 * Known by name: OpenTelemetry's http.server.request.duration (s) and the older http.server.duration (ms), Prometheus
 * client conventions, go-grpc-middleware, Istio, Envoy, Traefik, the nginx ingress controller, Spring's Micrometer and
 * Tempo's service graph. Everything else goes by unit and suffix.
 */

import { SERIES_KIND } from '@plimsoll/contracts/metric-batch.ts'
import {
  endpointOf,
  environmentOf,
  gaugeDimensions,
  type Labels,
  methodOf,
  peerOf,
  releaseOf,
  requestClassOf,
  type StatusClass,
  serviceOf,
  statusClassOf,
} from './labels.ts'
import { routeTemplate } from './route.ts'

export type Place = {
  readonly service: string
  readonly environment: string
  /** Template of the route, RPC name, or `*` for the service as a whole. */
  readonly endpoint: string
  readonly method: string
  /** Metric family the numbers come from: two families never share a window, or requests would count twice. */
  readonly instrument: string
}

export type Stratum = {
  readonly statusClass: StatusClass
  readonly release: string
  /** Tenant tier and payload class, where labels state them. */
  readonly requestClass: string
}

/** A call from one service to another, as far as labels tell. */
export type Edge = { readonly caller: string; readonly callee: string }

/** Endpoints that are calls to another service as the caller sees them: `calls cart`. */
const CALLS = 'calls '

/** The service whose doing an endpoint shows: the one called, or the service itself. */
export function subjectOf(place: { readonly service: string; readonly endpoint: string }): string {
  return place.endpoint.startsWith(CALLS) ? place.endpoint.slice(CALLS.length) : place.service
}

export type GaugeKind = 'latency' | 'saturation' | 'throughput'

export type Meaning =
  | { readonly role: 'none'; readonly edge?: Edge }
  /** Cumulative-over-bounds bucket of a classic histogram. */
  | {
      readonly role: 'bucket'
      readonly place: Place
      readonly stratum: Stratum
      readonly upperBound: number
      readonly unitMs: number
      readonly edge?: Edge
    }
  /** Requests answered, failed or not. */
  | { readonly role: 'requests'; readonly place: Place; readonly stratum: Stratum; readonly edge?: Edge }
  | {
      readonly role: 'durationSum'
      readonly place: Place
      readonly stratum: Stratum
      readonly unitMs: number
      readonly edge?: Edge
    }
  | {
      readonly role: 'histogram'
      readonly place: Place
      readonly stratum: Stratum
      readonly unitMs: number
      readonly edge?: Edge
    }
  | {
      readonly role: 'quantile'
      readonly place: Place
      readonly quantile: number
      readonly scale: number
      readonly edge?: Edge
    }
  | {
      readonly role: 'gauge'
      readonly place: Place
      readonly kind: GaugeKind
      /** Factor into `unit`. */
      readonly scale: number
      readonly unit: string
      readonly edge?: Edge
    }

const nothing: Meaning = { role: 'none' }

/** Milliseconds in one unit of time, by UCUM code or the suffix of a name. */
const millisecondsPer: Readonly<Record<string, number>> = {
  s: 1000,
  seconds: 1000,
  second: 1000,
  ms: 1,
  milliseconds: 1,
  millis: 1,
  us: 0.001,
  microseconds: 0.001,
  ns: 0.000_001,
  nanoseconds: 0.000_001,
  min: 60_000,
  minutes: 60_000,
}

/** Runtime internals: durations, but of nothing that a caller waits for as a request. */
const internals =
  /^(go|process|python|jvm|nodejs|node|dotnet|ruby|php|prometheus|scrape|apiserver_flowcontrol|etcd_disk)_/
const durationWords = /(duration|latency|_time$|_time_|response_time|handling|rtt|elapsed)/
const requestCounter = /(^|_)(requests?|rpcs?|calls|handled|rq|rq_xx|invocations|queries|operations)$/
const saturationGauge =
  /(utili[sz]ation|saturation|usage_ratio|usage_percent|cpu_percent|_percent_used|queue_(length|size|depth)|backlog|_lag$|pending_(requests|jobs|messages)|in_flight|inflight|eventloop_lag_seconds$|load(1|5|15)$)/
const throughputGauge = /(per_second|_rps|_qps|_ops)$/
const quantileInName = /(^|_)p(50|75|90|95|98|99|999|99_9)(_|$)/

type Family = {
  readonly name: string
  readonly suffix: '' | 'bucket' | 'count' | 'sum' | 'total'
  readonly unitMs: number
}

function familyOf(name: string, unit: string): Family {
  const plain = name.replaceAll(/[.\-/]/g, '_')
  const suffix = (/_(bucket|count|sum|total)$/.exec(plain)?.[1] ?? '') as Family['suffix']
  const base = suffix === '' ? plain : plain.slice(0, -suffix.length - 1)
  const bySuffix = millisecondsPer[/_([a-z]+)$/.exec(base)?.[1] ?? '']
  return { name: base, suffix, unitMs: bySuffix ?? millisecondsPer[unit] ?? implied(base) }
}

/** Families whose unit is known though neither name nor unit states it; 0 = not a time. */
function implied(base: string): number {
  if (/^(http_(server|client)|rpc_(server|client))_duration$/.test(base) || /^envoy_.*_rq_time$/.test(base)) return 1
  return 0
}

/** Prometheus stale markers and other NaNs are skipped by the fold; names are never empty. */
export function meaningOf(name: string, unit: string, kind: number, rawLabels: Labels): Meaning {
  const labels = prometheusNames(rawLabels)
  const family = familyOf(name, unit)
  if (internals.test(family.name) && !saturationGauge.test(family.name)) return nothing
  const edge = edgeOf(family.name, labels)
  // A mesh reports every call twice; the side that answers is the service's own account.
  if (labels.get('reporter') === 'source') return edge === undefined ? nothing : { role: 'none', edge }
  const meaning = read(family, unit, kind, labels)
  return edge === undefined || meaning.role === 'none' ? meaning : { ...meaning, edge }
}

function read(family: Family, unit: string, kind: number, labels: Labels): Meaning {
  const isTime = family.unitMs > 0
  const stratum: Stratum = {
    statusClass: statusClassOf(labels),
    release: releaseOf(labels),
    requestClass: requestClassOf(labels),
  }
  if (kind === SERIES_KIND.cumulativeHistogram || kind === SERIES_KIND.deltaHistogram) {
    if (!isTime) return nothing
    return { role: 'histogram', place: placeOf(family.name, labels), stratum, unitMs: family.unitMs }
  }
  const counter = kind === SERIES_KIND.cumulativeCounter || kind === SERIES_KIND.deltaCounter
  if ((counter || kind === SERIES_KIND.unknown) && family.suffix !== '') {
    const bound = labels.get('le')
    if (family.suffix === 'bucket' && bound !== undefined) {
      if (!isTime) return nothing
      const upperBound = bound === '+Inf' ? Infinity : Number(bound)
      if (Number.isNaN(upperBound)) return nothing
      return { role: 'bucket', place: placeOf(family.name, labels), stratum, upperBound, unitMs: family.unitMs }
    }
    if (isTime && family.suffix === 'count') return { role: 'requests', place: placeOf(family.name, labels), stratum }
    if (isTime && family.suffix === 'sum') {
      return { role: 'durationSum', place: placeOf(family.name, labels), stratum, unitMs: family.unitMs }
    }
  }
  if (counter || family.suffix === 'total') {
    return requestCounter.test(family.name)
      ? { role: 'requests', place: placeOf(family.name, labels), stratum }
      : nothing
  }
  if (family.suffix === 'bucket' || family.suffix === 'sum') return nothing
  return readGauge(family, unit, labels)
}

function readGauge(family: Family, unit: string, labels: Labels): Meaning {
  const latency = durationWords.test(family.name)
  const quantile = quantileOf(family.name, labels)
  if (quantile !== undefined) {
    if (family.unitMs === 0 && !latency) return nothing
    // Prometheus' base unit of time is the second.
    const scale = family.unitMs > 0 ? family.unitMs : 1000
    return { role: 'quantile', place: placeOf(family.name.replace(quantileInName, '$3'), labels), quantile, scale }
  }
  if (saturationGauge.test(family.name)) return gauge('saturation', family.name, labels, 1, unit)
  if (latency && family.unitMs > 0) return gauge('latency', family.name, labels, family.unitMs, 'ms')
  if (throughputGauge.test(family.name)) return gauge('throughput', family.name, labels, 1, '1/s')
  return nothing
}

function gauge(kind: GaugeKind, family: string, labels: Labels, scale: number, unit: string): Meaning {
  const endpoint = `${family}${gaugeDimensions(labels)}`
  const place = {
    service: serviceOf(labels),
    environment: environmentOf(labels),
    endpoint,
    method: '',
    instrument: family,
  }
  return { role: 'gauge', place, kind, scale, unit }
}

function quantileOf(family: string, labels: Labels): number | undefined {
  const stated = labels.get('quantile')
  if (stated !== undefined) {
    const value = Number(stated)
    return value > 0 && value < 1 ? value : undefined
  }
  const named = quantileInName.exec(family)?.[2]?.replace('_', '')
  return named === undefined ? undefined : Number(`0.${named}`)
}

function placeOf(instrument: string, labels: Labels): Place {
  const environment = environmentOf(labels)
  const method = methodOf(labels)
  if (instrument.startsWith('traces_service_graph_request_')) return serviceGraphPlace(instrument, labels, environment)
  const service = serviceOf(labels)
  if (/(^|_)client(_|$)/.test(instrument)) {
    const peer = peerOf(labels)
    return {
      service,
      environment,
      endpoint: `${CALLS}${peer === '' ? routeOr(labels, '*') : peer}`,
      method,
      instrument,
    }
  }
  return { service, environment, endpoint: routeOr(labels, '*'), method, instrument }
}

function routeOr(labels: Labels, otherwise: string): string {
  const endpoint = endpointOf(labels)
  return endpoint === '' ? otherwise : routeTemplate(endpoint)
}

/** Tempo's service graph: one call seen from either end. */
function serviceGraphPlace(instrument: string, labels: Labels, environment: string): Place {
  const client = labels.get('client') ?? ''
  const server = labels.get('server') ?? ''
  return instrument.includes('_client')
    ? { service: client, environment, endpoint: `${CALLS}${server}`, method: '', instrument }
    : { service: server, environment, endpoint: `called by ${client}`, method: '', instrument }
}

function edgeOf(family: string, labels: Labels): Edge | undefined {
  const [caller, callee] = family.startsWith('traces_service_graph_')
    ? [labels.get('client'), labels.get('server')]
    : family.startsWith('istio_')
      ? [labels.get('source_canonical_service') ?? labels.get('source_workload'), serviceOf(labels)]
      : /(^|_)client(_|$)/.test(family)
        ? [serviceOf(labels), peerOf(labels)]
        : []
  if (!caller || !callee || caller === callee || caller === 'unknown') return undefined
  return { caller, callee }
}

function prometheusNames(labels: Labels): Labels {
  for (const name of labels.keys()) {
    if (name.includes('.')) return new Map([...labels].map(([key, value]) => [key.replaceAll('.', '_'), value]))
  }
  return labels
}
