import { serviceOf, unknownService } from '../../domain/service.ts'
import {
  type AlertValue,
  environmentOf,
  type Fact,
  firstOf,
  type Ignored,
  identity,
  type Mapped,
  mapped,
  type Reception,
} from './fact.ts'
import { type Parsed, parse, parseList, type Shape } from './shape.ts'

/**
 * An Alertmanager webhook body, version 4: one fact per alert of the group.
 * An episode is (group key, fingerprint, start); repeats, and a resolve that comes twice, carry the same id.
 * Source: the `Data` and `Message` types of Alertmanager's webhook receiver, checked against bodies of 0.33.
 */
export function alertmanagerWebhook(body: unknown, reception: Reception): Parsed<Mapped> {
  return parse(body, (message) => {
    if (message.textOr('version', '') !== '4') {
      message.refuse('version', '"4", which every Alertmanager since 0.7 sends')
    }
    const groupKey = message.text('groupKey')
    const facts = message.list('alerts').map((alert) => {
      const status = alert.text('status')
      if (status !== '' && status !== 'firing' && status !== 'resolved')
        alert.refuse('status', '"firing" or "resolved"')
      const labels = alert.texts('labels')
      const endsAt = alert.timeOr('endsAt')
      if (status === 'resolved' && endsAt === undefined) alert.refuse('endsAt', 'the time at which it was resolved')
      return alertFact(
        {
          sender: 'alertmanager_webhook',
          groupKey,
          fingerprint: alert.textOr('fingerprint', '') || labelFingerprint(labels),
          labels,
          annotations: alert.texts('annotations'),
          generatorUrl: alert.textOr('generatorURL', ''),
          startsAt: alert.time('startsAt'),
          endsAt: status === 'resolved' ? endsAt : undefined,
        },
        reception,
      )
    })
    return { facts, ignored: truncation(message.idOr('truncatedAlerts', '0')) }
  })
}

/** `max_alerts` of the receiver made Alertmanager leave alerts out: they never arrive by this road. */
const truncation = (left: string): readonly Ignored[] =>
  left === '0'
    ? []
    : [{ what: `${left} alerts`, reason: 'Alertmanager left them out: raise max_alerts of its receiver' }]

/**
 * A body of Alertmanager's API v2 (`postableAlerts`), which Prometheus, vmalert and the Mimir ruler send. `endsAt` in
 * the future is not an end: it is how long the alert holds should its sender fall silent.
 */
export function alertmanagerApi(body: unknown, reception: Reception): Parsed<Mapped> {
  const alerts = parseList(body, (alert) => postableAlert(alert, 'alertmanager_api', reception))
  return alerts.kind === 'read' ? { kind: 'read', value: mapped(alerts.value) } : alerts
}

/** One alert in the form of API v2. */
export function postableAlert(alert: Shape, sender: AlertValue['sender'], reception: Reception): Fact {
  const labels = alert.texts('labels')
  if (Object.keys(labels).length === 0) alert.refuse('labels', 'at least one label, "alertname" among them')
  const endsAt = alert.timeOr('endsAt')
  return alertFact(
    {
      sender,
      groupKey: '',
      fingerprint: labelFingerprint(labels),
      labels,
      annotations: alert.texts('annotations'),
      generatorUrl: alert.textOr('generatorURL', ''),
      startsAt: alert.timeOr('startsAt'),
      endsAt: endsAt !== undefined && endsAt <= reception.receivedAt ? endsAt : undefined,
    },
    reception,
  )
}

type StatedAlert = {
  readonly sender: AlertValue['sender']
  readonly groupKey: string
  readonly fingerprint: string
  readonly labels: Record<string, string>
  readonly annotations: Record<string, string>
  readonly generatorUrl: string
  readonly startsAt: number | undefined
  /** Undefined while firing. */
  readonly endsAt: number | undefined
}

/**
 * The id names the statement: episode, state, time. A sender that states no start (API v2 allows it) has one episode
 * per label set, whose later statement wins; each is kept, since nothing tells its repeat from a new beginning.
 */
function alertFact(alert: StatedAlert, reception: Reception): Fact {
  const start = alert.startsAt === undefined ? '' : String(alert.startsAt)
  const alertId = identity([alert.sender, alert.groupKey, alert.fingerprint, start])
  const status = alert.endsAt === undefined ? 'firing' : 'resolved'
  // By the rule for series, so that an alert and the series it is about agree.
  const service = serviceOf(Object.entries(alert.labels))
  const time = alert.endsAt ?? alert.startsAt ?? reception.receivedAt
  return {
    type: 'plimsoll.incident.v1.AlertReceived',
    id: `alert.${alertId}.${status}.${time}`,
    time,
    value: {
      alertId,
      source: reception.source,
      sender: alert.sender,
      name: alert.labels.alertname ?? '',
      status,
      severity: firstOf(alert.labels, ['severity', 'priority', 'level']),
      environment: environmentOf(alert.labels) || reception.environment,
      service: service === unknownService ? reception.service : service,
      startsAt: alert.startsAt ?? Math.min(time, reception.receivedAt),
      endsAt: alert.endsAt ?? null,
      receivedAt: reception.receivedAt,
      groupKey: alert.groupKey,
      fingerprint: alert.fingerprint,
      labels: alert.labels,
      annotations: alert.annotations,
      generatorUrl: alert.generatorUrl,
    },
  }
}

/** Ours, for senders that give none: over the labels sorted by name. */
function labelFingerprint(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels).sort()
  return identity(names.flatMap((name) => [name, labels[name] ?? ''])).slice(0, 16)
}
