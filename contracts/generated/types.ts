// Generated from avro/**/*.avsc by `npm run contracts -- generate`: do not edit.

/** Value of each event, by Avro full name. */
export type EventValues = {
  readonly 'plimsoll.customer_success.v1.AccountErased': AccountErased
  readonly 'plimsoll.customer_success.v1.ActionOutcomeRecorded': ActionOutcomeRecorded
  readonly 'plimsoll.customer_success.v1.ActionTriggered': ActionTriggered
  readonly 'plimsoll.customer_success.v1.AdoptionLagDetected': AdoptionLagDetected
  readonly 'plimsoll.customer_success.v1.ChurnRiskCleared': ChurnRiskCleared
  readonly 'plimsoll.customer_success.v1.ChurnRiskRaised': ChurnRiskRaised
  readonly 'plimsoll.customer_success.v1.FeatureAdopted': FeatureAdopted
  readonly 'plimsoll.customer_success.v1.HealthScoreChanged': HealthScoreChanged
  readonly 'plimsoll.customer_success.v1.PersonErased': PersonErased
  readonly 'plimsoll.incident.v1.AlertReceived': AlertReceived
  readonly 'plimsoll.incident.v1.DeploymentRecorded': DeploymentRecorded
  readonly 'plimsoll.performance.v1.BaselineEstablished': BaselineEstablished
  readonly 'plimsoll.performance.v1.RegressionDetected': RegressionDetected
  readonly 'plimsoll.performance.v1.RegressionResolved': RegressionResolved
  readonly 'plimsoll.telemetry.v1.MetricBatch': MetricBatch
  readonly 'plimsoll.telemetry.v1.SpanBatch': SpanBatch
  readonly 'plimsoll.usage.v1.ContactRecorded': ContactRecorded
  readonly 'plimsoll.usage.v1.InvoiceRecorded': InvoiceRecorded
  readonly 'plimsoll.usage.v1.NpsRecorded': NpsRecorded
  readonly 'plimsoll.usage.v1.SubscriptionRecorded': SubscriptionRecorded
  readonly 'plimsoll.usage.v1.TicketRecorded': TicketRecorded
  readonly 'plimsoll.usage.v1.UsageBatch': UsageBatch
}

/** An account was erased: whoever keeps something of the account deletes it, and takes in nothing of it any more. */
export type AccountErased = {
  /** sha256 of `account:` and the id, hexadecimal: found by hashing the ids one has. */
  readonly accountHash: string
  /** When. */
  readonly at: number
}

/** What became of an enrolment, of both arms. */
export type ActionOutcomeRecorded = {
  /** Identity of the enrolment. */
  readonly actionId: string
  /** Playbook. */
  readonly playbook: string
  /** Account. */
  readonly accountId: string
  /** As assigned, whatever was done. */
  readonly arm: OutcomeArm
  /** When it was enrolled. */
  readonly triggeredAt: number
  /** End of the goal's window. */
  readonly at: number
  /** Goal. */
  readonly metric: string
  /** Goal's value before. */
  readonly before: number | null
  /** Goal's value at the end. */
  readonly after: number | null
  /** Whether the goal was reached. */
  readonly reached: boolean
}

export type OutcomeArm = 'treated' | 'holdout' | 'control'

/** An account entered a playbook, or a person started an action by hand. */
export type ActionTriggered = {
  /** Identity of the enrolment. */
  readonly actionId: string
  /** Playbook, or the kind of a manual action. */
  readonly playbook: string
  /** Its version; 0 for a manual action. */
  readonly playbookVersion: number
  /** Account. */
  readonly accountId: string
  /** Person it is for; may be empty. */
  readonly userId: string
  /** When. */
  readonly at: number
  /** holdout and control are never contacted. */
  readonly arm: ActionArm
  /** Who started it. */
  readonly mode: ActionMode
  /** Risk episode that triggered it; may be empty. */
  readonly episodeId: string
  /** One sentence for people. */
  readonly reason: string
}

export type ActionArm = 'treated' | 'holdout' | 'control'

export type ActionMode = 'automatic' | 'manual'

/** An account uses fewer of the core features than accounts like it. */
export type AdoptionLagDetected = {
  /** Account. */
  readonly accountId: string
  /** When. */
  readonly at: number
  /** Share of the core features it uses, 0 to 1. */
  readonly breadth: number
  /** Median share of accounts of its segment and age, 0 to 1. */
  readonly expected: number
  /** Core features it is entitled to and does not use. */
  readonly missing: readonly string[]
  /** One sentence for people. */
  readonly reason: string
}

/** A risk episode ended. */
export type ChurnRiskCleared = {
  /** Identity of the episode. */
  readonly episodeId: string
  /** Account. */
  readonly accountId: string
  /** When it was raised. */
  readonly raisedAt: number
  /** When it ended. */
  readonly at: number
  /** How. */
  readonly outcome: RiskOutcome
  /** Smoothed health score at the end; null when none. */
  readonly score: number | null
  /** One sentence for people. */
  readonly reason: string
}

export type RiskOutcome = 'recovered' | 'cancelled'

/** An account is at risk of leaving. */
export type ChurnRiskRaised = {
  /** Identity of the episode: account and when it was raised. */
  readonly episodeId: string
  /** Account. */
  readonly accountId: string
  /** When. */
  readonly at: number
  /** What raised it; the last three at once. */
  readonly trigger: RiskTrigger
  /** Smoothed health score; null when none. */
  readonly score: number | null
  /** Learned probability; null when no model is in use. */
  readonly churnProbability: number | null
  /** Monthly revenue at risk in the minor unit. */
  readonly mrrMinor: number
  /** ISO 4217; may be empty. */
  readonly currency: string
  /** Why, largest first. */
  readonly drivers: readonly RiskDriver[]
  /** One sentence for people. */
  readonly reason: string
}

export type RiskTrigger = 'score' | 'probability' | 'cancel_requested' | 'payment_failed' | 'silent'

/** One line of why a score is or moved. */
export type RiskDriver = {
  /** engagement, adoption, api, support, payment, sentiment; or renormalisation, configuration, model. */
  readonly component: string
  /** Which number of the component; may be empty. */
  readonly metric: string
  /** Its value before; null when it had none. */
  readonly before: number | null
  /** Its value now; null when it has none. */
  readonly after: number | null
  /** Its part of the change of the score; all lines add up to it. */
  readonly points: number
  /** The line for people. */
  readonly text: string
}

/** An account uses a feature often enough to count as having adopted it. */
export type FeatureAdopted = {
  /** Account. */
  readonly accountId: string
  /** Feature. */
  readonly feature: string
  /** The use that made it so. */
  readonly at: number
  /** Uses in the window. */
  readonly uses: number
  /** Length of the window. */
  readonly windowDays: number
}

/** An account's health score moved, or a past one was corrected by late data. */
export type HealthScoreChanged = {
  /** Account. */
  readonly accountId: string
  /** End of the day or hour the score is of. */
  readonly at: number
  /** corrected: late data moved a past score by more than 2 points; the score known then stays on record. */
  readonly kind: HealthChangeKind
  /** 0 to 100; null when nothing is known. */
  readonly score: number | null
  /** The one told before; null for the first. */
  readonly previousScore: number | null
  /** healthy >= 70, at_risk 40 to 69, churn_risk < 40. */
  readonly band: HealthBand
  /** Band before. */
  readonly previousBand: HealthBand
  /** 0 to 1: share of the weight that fresh, sufficient data stands behind. */
  readonly confidence: number
  /** Confidence below 0.5: no risk is raised from this score. */
  readonly provisional: boolean
  /** Score minus that of 7 days before. */
  readonly trend7: number | null
  /** Score minus that of 28 days before. */
  readonly trend28: number | null
  /** Score minus that of 84 days before. */
  readonly trend84: number | null
  /** Learned probability of churn in the 30 days after a week, as of the day before; null when no model is in use. */
  readonly churnProbability: number | null
  /** Which weights and curves made it. */
  readonly configurationVersion: number
  /** What it is made of. */
  readonly components: readonly HealthComponent[]
  /** Why it moved since the previous score. */
  readonly drivers: readonly HealthDriver[]
  /** As people call the account; empty when nobody has told. */
  readonly accountName: string
  /** Empty when not known. */
  readonly plan: string
  /** Empty when not known. */
  readonly segment: string
  /** Why it moved in the 7 days before, largest first, of an account that is not healthy; all lines add up to trend7. */
  readonly weekDrivers: readonly HealthDriver[]
}

export type HealthChangeKind = 'changed' | 'corrected'

export type HealthBand = 'healthy' | 'at_risk' | 'churn_risk' | 'unknown'

/** A component of the score. */
export type HealthComponent = {
  /** Component. */
  readonly name: string
  /** 0 to 100; null when there is no data. */
  readonly value: number | null
  /** Share of the score after renormalisation, 0 to 1. */
  readonly weight: number
  /** 0 to 1. */
  readonly confidence: number
}

/** One line of why a score is or moved. */
export type HealthDriver = {
  /** engagement, adoption, api, support, payment, sentiment; or renormalisation, configuration, model. */
  readonly component: string
  /** Which number of the component; may be empty. */
  readonly metric: string
  /** Its value before; null when it had none. */
  readonly before: number | null
  /** Its value now; null when it has none. */
  readonly after: number | null
  /** Its part of the change of the score; all lines add up to it. */
  readonly points: number
  /** The line for people. */
  readonly text: string
}

/** A person was erased: whoever keeps something of the person deletes it. One event an account the person was contacted in, one without an account when there is none. */
export type PersonErased = {
  /** sha256 of `user:` or `anonymous:` and the id, hexadecimal: tells who it was to those who know the id only. */
  readonly personHash: string
  /** Account in which something was done for the person; may be empty. */
  readonly accountId: string
  /** Enrolments of that account that were for the person. */
  readonly actionIds: readonly string[]
  /** When. */
  readonly at: number
}

/** An alert as its sender stated it; a repeat carries the same alertId. */
export type AlertReceived = {
  /** Identity of the episode: hash of sender, group key, fingerprint and start. */
  readonly alertId: string
  /** Who sent it. */
  readonly source: string
  /** By which protocol it came. */
  readonly sender: AlertSender
  /** alertname. */
  readonly name: string
  /** State at receivedAt. */
  readonly status: AlertStatus
  /** As labelled; empty when not. */
  readonly severity: string
  /** Environment; empty when not labelled. */
  readonly environment: string
  /** Service; empty when not labelled. */
  readonly service: string
  /** Start as stated. */
  readonly startsAt: number
  /** End as stated; null while firing. */
  readonly endsAt: number | null
  /** When the gateway accepted it. */
  readonly receivedAt: number
  /** Alertmanager group key; empty for API v2. */
  readonly groupKey: string
  /** The sender's fingerprint of the label set, or ours. */
  readonly fingerprint: string
  /** All labels. */
  readonly labels: Readonly<Record<string, string>>
  /** All annotations. */
  readonly annotations: Readonly<Record<string, string>>
  /** Where the alert was made; may be empty. */
  readonly generatorUrl: string
}

export type AlertSender = 'alertmanager_webhook' | 'alertmanager_api' | 'cloudevent'

export type AlertStatus = 'firing' | 'resolved'

/** A deployment started, succeeded or failed. */
export type DeploymentRecorded = {
  /** Identity of the deployment at its sender. */
  readonly deploymentId: string
  /** Who sent it. */
  readonly source: string
  /** By which shape it came. */
  readonly sender: DeploymentSender
  /** Service deployed. */
  readonly service: string
  /** Environment. */
  readonly environment: string
  /** Version, tag or revision. */
  readonly release: string
  /** State at occurredAt. */
  readonly status: DeploymentStatus
  /** When it happened, by the sender's clock. */
  readonly occurredAt: number
  /** When the gateway accepted it. */
  readonly receivedAt: number
  /** Commit; may be empty. */
  readonly commit: string
  /** Link for people; may be empty. */
  readonly url: string
  /** Who or what deployed; may be empty. */
  readonly actor: string
}

export type DeploymentSender = 'github' | 'gitlab' | 'argocd' | 'cdevents' | 'api'

export type DeploymentStatus = 'started' | 'succeeded' | 'failed'

/** A baseline became provisional or firm, or moved to a new regime. */
export type BaselineEstablished = {
  /** Identity of the baseline: the series' key. */
  readonly baselineId: string
  /** Service. */
  readonly service: string
  /** Route, operation or series; '*' for the whole service. */
  readonly endpoint: string
  /** HTTP method; empty when none. */
  readonly method: string
  /** Environment; may be empty. */
  readonly environment: string
  /** Release seen; may be empty. */
  readonly release: string
  /** What it describes. */
  readonly metric: BaselineMetric
  /** ms, %, req/s, or the series' own unit. */
  readonly unit: string
  /** provisional: 20 windows and 300 requests; firm: 24 h. */
  readonly firmness: Firmness
  /** Start of the data behind it. */
  readonly from: number
  /** Window that established it. */
  readonly at: number
  /** Quantiles with intervals, when the metric is a latency. */
  readonly latency: LatencySummary | null
  /** Requests per second. */
  readonly throughput: number | null
  /** Errors in % of requests. */
  readonly errorRate: number | null
  /** Median, for a gauge. */
  readonly value: number | null
  /** Share of windows that were accepted as normal, 0..1. */
  readonly acceptedShare: number
}

export type BaselineMetric = 'latency' | 'error_rate' | 'throughput' | 'gauge'

export type Firmness = 'provisional' | 'firm'

export type LatencySummary = {
  /** Requests behind it; 0 = unknown. */
  readonly n: number
  /** p50; null when n is too small for it. */
  readonly p50: number | null
  /** Lower end of the 95 % interval of p50. */
  readonly p50Low: number | null
  /** Upper end of the 95 % interval of p50. */
  readonly p50High: number | null
  /** p95; null when n is too small for it. */
  readonly p95: number | null
  /** Lower end of the 95 % interval of p95. */
  readonly p95Low: number | null
  /** Upper end of the 95 % interval of p95. */
  readonly p95High: number | null
  /** p99; null when n is too small for it. */
  readonly p99: number | null
  /** Lower end of the 95 % interval of p99. */
  readonly p99Low: number | null
  /** Upper end of the 95 % interval of p99. */
  readonly p99High: number | null
  /** Mean. */
  readonly mean: number | null
  /** Exponential histogram, scale 5, ms, in the packed form of contracts/histogram.ts. */
  readonly histogram: Uint8Array | null
}

/** A series changed for the worse, or its state in that episode changed. The newest event of a regressionId is its state. */
export type RegressionDetected = {
  /** Identity of the episode. */
  readonly regressionId: string
  /** Service. */
  readonly service: string
  /** Route, operation or series; '*' for the whole service. */
  readonly endpoint: string
  /** HTTP method; empty when none. */
  readonly method: string
  /** Environment; may be empty. */
  readonly environment: string
  /** Release seen; may be empty. */
  readonly release: string
  /** What changed. */
  readonly metric: RegressionMetric
  /** ms, %, req/s, or the series' own unit. */
  readonly unit: string
  /** resolved is an event of its own. */
  readonly state: RegressionState
  /** up: values grew. */
  readonly direction: Direction
  /** Which detector spoke: shift, burst, errors, drift, release, throughput. */
  readonly detector: string
  /** When the change began, as dated. */
  readonly onsetAt: number
  /** End of the window that proved it. */
  readonly detectedAt: number
  /** Reference, in unit. */
  readonly before: LatencySummary
  /** Since the onset, in unit. */
  readonly after: LatencySummary
  /** The metric before: p95, error rate in %, req/s or the gauge's median. */
  readonly beforeValue: number
  /** The same, since the onset. */
  readonly afterValue: number
  /** Probability that a request after is slower than one before. */
  readonly auc: number | null
  /** Evidence against no change; capped at 1e300. */
  readonly eValue: number
  /** Share of the false-alarm budget this alarm used, 0..1. */
  readonly falseAlarmBudget: number
  /** Extra ms x req/s. */
  readonly cost: number | null
  /** Series keys that moved with it and are explained by it. */
  readonly symptoms: readonly string[]
  /** Releases or dependencies that may have caused it. */
  readonly suspects: readonly string[]
  /** One sentence for people. */
  readonly reason: string
}

export type RegressionMetric = 'latency' | 'error_rate' | 'throughput' | 'gauge'

export type RegressionState = 'suspected' | 'confirmed' | 'accepted'

export type Direction = 'up' | 'down'

/** A regression's series went back inside its reference. */
export type RegressionResolved = {
  /** Identity of the episode. */
  readonly regressionId: string
  /** Service. */
  readonly service: string
  /** Route, operation or series; '*' for the whole service. */
  readonly endpoint: string
  /** HTTP method; empty when none. */
  readonly method: string
  /** Environment; may be empty. */
  readonly environment: string
  /** Release seen; may be empty. */
  readonly release: string
  /** What had changed. */
  readonly metric: ResolvedMetric
  /** When the change began. */
  readonly onsetAt: number
  /** End of the window that closed it. */
  readonly resolvedAt: number
  /** The metric before the regression, as in RegressionDetected. */
  readonly beforeValue: number
  /** The metric in the windows that closed it. */
  readonly afterValue: number
  /** Unit of the values. */
  readonly unit: string
  /** One sentence for people. */
  readonly reason: string
}

export type ResolvedMetric = 'latency' | 'error_rate' | 'throughput' | 'gauge'

/** Samples and histograms of many series, one lane, columnar. A series is known by its seriesId; what it is (kind, name, unit, labels) is stated when the gateway first sends it and again at least every 5 minutes or 16 batches, always in a message before those that leave it out. A consumer keeps what it was told; samples of a series it was never told about are skipped until it is. */
export type MetricBatch = {
  /** Who sent it: the credential's or pull source's name. */
  readonly source: string
  /** When the gateway accepted it. */
  readonly receivedAt: number
  /** UTF-8 bytes of all strings of this batch, end to end. String 0 is empty. */
  readonly stringBytes: Uint8Array
  /** End offset of each string in stringBytes; a *Ref column indexes this table. */
  readonly stringEnds: Uint8Array
  /** Identity of each series in the batch: 64-bit hash of its canonical label bytes and kind. */
  readonly seriesId: Uint8Array
  /** Rows in seriesId of the series that this batch describes, ascending; empty when it describes all (or none: then seriesKind is empty too). */
  readonly describedRow: Uint8Array
  /** Per described series: 0 gauge, 1 cumulative counter, 2 delta counter, 3 cumulative histogram, 4 delta histogram, 5 unknown. */
  readonly seriesKind: Uint8Array
  /** Per described series: ref of the metric name. */
  readonly seriesName: Uint8Array
  /** Per described series: ref of the unit (UCUM or Prometheus base unit); 0 = not stated. */
  readonly seriesUnit: Uint8Array
  /** Per described series: end of its labels in labelRefs, counted in refs. */
  readonly seriesLabelEnd: Uint8Array
  /** Name ref, value ref, name ref, value ref ... sorted by label name; the metric name is not among them. */
  readonly labelRefs: Uint8Array
  /** Row in seriesId, per sample; empty when there is one sample per series, in the same order. */
  readonly sampleSeries: Uint8Array
  /** Event time, ms since the epoch. */
  readonly sampleTime: Uint8Array
  /** Start of the counting period, ms since the epoch, 0 = unknown; empty when no sample states one. */
  readonly sampleStart: Uint8Array
  /** Value; the Prometheus stale marker keeps its exact NaN bits. */
  readonly sampleValue: Uint8Array
  /** Row in seriesId, per histogram point. */
  readonly histogramSeries: Uint8Array
  /** Event time, ms since the epoch. */
  readonly histogramTime: Uint8Array
  /** Start of the counting period, ms since the epoch, 0 = unknown. */
  readonly histogramStart: Uint8Array
  /** Observations. */
  readonly histogramCount: Uint8Array
  /** Sum of observations, in the series' unit. */
  readonly histogramSum: Uint8Array
  /** Least observation, NaN = unknown. */
  readonly histogramMin: Uint8Array
  /** Greatest observation, NaN = unknown. */
  readonly histogramMax: Uint8Array
  /** -10..20: base 2^(2^-scale) exponential buckets; -53: explicit bounds. */
  readonly histogramScale: Uint8Array
  /** Observations within the zero threshold. */
  readonly histogramZeroCount: Uint8Array
  /** Width of the zero bucket. */
  readonly histogramZeroThreshold: Uint8Array
  /** End of each histogram's rows in bucketIndex and bucketCount. */
  readonly histogramBucketEnd: Uint8Array
  /** Exponential: bucket i covers (base^i, base^(i+1)]; explicit: index into the histogram's bounds, the last one above all bounds. Only positive observations and only non-empty buckets. */
  readonly bucketIndex: Uint8Array
  /** Observations in the bucket, not cumulative over buckets. */
  readonly bucketCount: Uint8Array
  /** End of each histogram's rows in bounds; unchanged where the histogram is exponential. */
  readonly histogramBoundEnd: Uint8Array
  /** Upper bounds of explicit buckets, ascending, without +Inf. */
  readonly bounds: Uint8Array
}

/** Spans of one lane, columnar: what performance needs of traces. */
export type SpanBatch = {
  /** Who sent it. */
  readonly source: string
  /** When the gateway accepted it. */
  readonly receivedAt: number
  /** UTF-8 bytes of all strings of this batch, end to end. String 0 is empty. */
  readonly stringBytes: Uint8Array
  /** End offset of each string in stringBytes; a *Ref column indexes this table. */
  readonly stringEnds: Uint8Array
  /** 16 bytes per span. */
  readonly traceId: Uint8Array
  /** 8 bytes per span. */
  readonly spanId: Uint8Array
  /** 8 bytes per span, zero = root. */
  readonly parentSpanId: Uint8Array
  /** ms since the epoch, with fractions. */
  readonly startTime: Uint8Array
  /** Duration in ms. */
  readonly durationMs: Uint8Array
  /** OTLP span kind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: Uint8Array
  /** OTLP status: 0 unset, 1 ok, 2 error. */
  readonly status: Uint8Array
  /** HTTP response status code, 0 = none. */
  readonly httpStatus: Uint8Array
  /** service.name. */
  readonly serviceRef: Uint8Array
  /** deployment.environment.name. */
  readonly environmentRef: Uint8Array
  /** service.version. */
  readonly releaseRef: Uint8Array
  /** service.instance.id. */
  readonly instanceRef: Uint8Array
  /** Span name. */
  readonly nameRef: Uint8Array
  /** http.route, or rpc service/method. */
  readonly routeRef: Uint8Array
  /** HTTP request method. */
  readonly methodRef: Uint8Array
  /** db.system.name, messaging.system or gen_ai.provider.name. */
  readonly systemRef: Uint8Array
  /** db.query.summary, db.operation.name or messaging operation. */
  readonly operationRef: Uint8Array
  /** Query text as sent; consumers normalise it. */
  readonly statementRef: Uint8Array
  /** server.address or peer.service. */
  readonly peerRef: Uint8Array
}

/** Whom one may contact in an account. What it does not state stays as it was; the newest statement wins. */
export type ContactRecorded = {
  /** Account. */
  readonly accountId: string
  /** Who. */
  readonly userId: string
  /** Who sent it. */
  readonly source: string
  /** Where mail goes; empty: not stated. */
  readonly email: string
  /** IANA name; empty: not stated. */
  readonly timeZone: string
  /** admin, billing, sponsor, or what playbooks name; empty: not stated. */
  readonly roles: readonly string[]
  /** To be written to by mail; null: not stated. */
  readonly consent: boolean | null
  /** Not to be contacted at all; null: not stated. */
  readonly doNotContact: boolean | null
  /** When it was stated. */
  readonly updatedAt: number
  /** When the gateway accepted it. */
  readonly receivedAt: number
}

/** State of an invoice. */
export type InvoiceRecorded = {
  /** Identity at its sender. */
  readonly invoiceId: string
  /** Who sent it. */
  readonly source: string
  /** Account. */
  readonly accountId: string
  /** Amount in the currency's minor unit: cents. */
  readonly amountMinor: number
  /** ISO 4217, e.g. EUR. */
  readonly currency: string
  /** failed: will be tried again; final_failed: given up. */
  readonly status: InvoiceStatus
  /** When it is due. */
  readonly dueAt: number
  /** When it was paid; null while it is not. */
  readonly paidAt: number | null
  /** Failed attempts so far. */
  readonly attempts: number
  /** Time of this state, by the sender's clock: the newest state of an id wins, whatever order states arrive in. */
  readonly updatedAt: number
  /** When the gateway accepted it. */
  readonly receivedAt: number
}

export type InvoiceStatus = 'open' | 'paid' | 'failed' | 'final_failed' | 'refunded' | 'void'

/** An answer to 'how likely would you recommend us'. */
export type NpsRecorded = {
  /** Identity at its sender. */
  readonly responseId: string
  /** Who sent it. */
  readonly source: string
  /** Account. */
  readonly accountId: string
  /** Who answered; may be empty. */
  readonly userId: string
  /** 0 to 10. */
  readonly score: number
  /** Free text; may be empty. */
  readonly comment: string
  /** When it was answered. */
  readonly answeredAt: number
  /** When the gateway accepted it. */
  readonly receivedAt: number
}

/** State of an account's contract. */
export type SubscriptionRecorded = {
  /** Identity at its sender. */
  readonly subscriptionId: string
  /** Who sent it. */
  readonly source: string
  /** Account. */
  readonly accountId: string
  /** State at updatedAt. */
  readonly status: SubscriptionStatus
  /** Plan; may be empty. */
  readonly plan: string
  /** Segment; may be empty. */
  readonly segment: string
  /** Seats contracted; 0 = not stated. */
  readonly seats: number
  /** Monthly recurring revenue in the currency's minor unit. */
  readonly mrrMinor: number
  /** ISO 4217; may be empty when mrrMinor is 0. */
  readonly currency: string
  /** When the contract began. */
  readonly startedAt: number
  /** Next renewal; null when not known. */
  readonly renewsAt: number | null
  /** When it ended; null while it runs. */
  readonly cancelledAt: number | null
  /** Why it was cancelled; may be empty. */
  readonly reason: string
  /** Time of this state, by the sender's clock: the newest state of an id wins, whatever order states arrive in. */
  readonly updatedAt: number
  /** When the gateway accepted it. */
  readonly receivedAt: number
}

export type SubscriptionStatus = 'trialing' | 'active' | 'past_due' | 'cancel_requested' | 'cancelled'

/** State of a support ticket. */
export type TicketRecorded = {
  /** Identity at its sender. */
  readonly ticketId: string
  /** Who sent it. */
  readonly source: string
  /** Account. */
  readonly accountId: string
  /** Who asked; may be empty. */
  readonly userId: string
  /** How bad it is for the customer. */
  readonly severity: TicketSeverity
  /** When it was opened. */
  readonly openedAt: number
  /** When it was resolved; null while open. */
  readonly resolvedAt: number | null
  /** How often it was opened again. */
  readonly reopened: number
  /** Satisfaction with the answer, 1 to 5; null when not asked. */
  readonly csat: number | null
  /** Subject or text, free; may be empty. Erased with its user, and after the retention of free text. */
  readonly text: string
  /** Time of this state, by the sender's clock: the newest state of an id wins, whatever order states arrive in. */
  readonly updatedAt: number
  /** When the gateway accepted it. */
  readonly receivedAt: number
}

export type TicketSeverity = 'low' | 'normal' | 'high' | 'urgent'

/** Product usage events of one lane, columnar. */
export type UsageBatch = {
  /** Who sent it. */
  readonly source: string
  /** When the gateway accepted it. */
  readonly receivedAt: number
  /** UTF-8 bytes of all strings of this batch, end to end. String 0 is empty. */
  readonly stringBytes: Uint8Array
  /** End offset of each string in stringBytes; a *Ref column indexes this table. */
  readonly stringEnds: Uint8Array
  /** Identity of each event, 16 B: sha256 of source, '|' and the sender's message id (or of the whole event when it has none), cut. */
  readonly messageId: Uint8Array
  /** Event time, ms since the epoch, corrected for the sender's clock. */
  readonly time: Uint8Array
  /** Account the event itself names (context.groupId, or the group's id), 0 = not named. */
  readonly accountRef: Uint8Array
  /** User id, 0 = anonymous. */
  readonly userRef: Uint8Array
  /** Event name. */
  readonly nameRef: Uint8Array
  /** 0 track, 1 page, 2 screen, 3 identify, 4 group, 5 alias, 6 quantity, 7 system. */
  readonly kind: Uint8Array
  /** Metered amount; 1 for a plain event. */
  readonly quantity: Uint8Array
  /** Properties (track, page, screen), traits (identify, group) or {"previousId"} (alias) as JSON text, at most 16 KB. */
  readonly propertiesRef: Uint8Array
  /** Anonymous id, 0 = none; empty column = none of the batch has one. */
  readonly anonymousRef: Uint8Array
  /** Time the sender stated, ms since the epoch; empty column = as in time. */
  readonly originalTime: Uint8Array
  /** When the sender sent it by its own clock, ms since the epoch, 0 = not stated; empty column = none stated. */
  readonly sentTime: Uint8Array
  /** Context as JSON text: library, plan, hashed ip; empty column = none. */
  readonly contextRef: Uint8Array
}
