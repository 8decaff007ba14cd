// Generated from avro/**/*.avsc by `npm run contracts -- generate`: do not edit.
import type { PublishedSchema } from '../codec.ts'

export const publishedSchemas: readonly PublishedSchema[] = [
  {
    fingerprint: 0xe6618d6fe2289627n,
    current: true,
    schema: {"type":"record","name":"AccountErased","namespace":"plimsoll.customer_success.v1","fields":[{"name":"accountHash","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}]},
  },
  {
    fingerprint: 0x9eead5d08290fcb2n,
    current: true,
    schema: {"type":"record","name":"ActionOutcomeRecorded","namespace":"plimsoll.customer_success.v1","fields":[{"name":"actionId","type":"string"},{"name":"playbook","type":"string"},{"name":"accountId","type":"string"},{"name":"arm","type":{"type":"enum","name":"OutcomeArm","symbols":["treated","holdout","control"],"default":"treated"}},{"name":"triggeredAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"metric","type":"string"},{"name":"before","type":["null","double"],"default":null},{"name":"after","type":["null","double"],"default":null},{"name":"reached","type":"boolean"}]},
  },
  {
    fingerprint: 0x66b2f28efe373d6cn,
    current: true,
    schema: {"type":"record","name":"ActionTriggered","namespace":"plimsoll.customer_success.v1","fields":[{"name":"actionId","type":"string"},{"name":"playbook","type":"string"},{"name":"playbookVersion","type":"int"},{"name":"accountId","type":"string"},{"name":"userId","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"arm","type":{"type":"enum","name":"ActionArm","symbols":["treated","holdout","control"],"default":"treated"}},{"name":"mode","type":{"type":"enum","name":"ActionMode","symbols":["automatic","manual"],"default":"automatic"}},{"name":"episodeId","type":"string"},{"name":"reason","type":"string"}]},
  },
  {
    fingerprint: 0x4393d00549cac729n,
    current: true,
    schema: {"type":"record","name":"AdoptionLagDetected","namespace":"plimsoll.customer_success.v1","fields":[{"name":"accountId","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"breadth","type":"double"},{"name":"expected","type":"double"},{"name":"missing","type":{"type":"array","items":"string"}},{"name":"reason","type":"string"}]},
  },
  {
    fingerprint: 0x77116dea8bd0a99fn,
    current: true,
    schema: {"type":"record","name":"ChurnRiskCleared","namespace":"plimsoll.customer_success.v1","fields":[{"name":"episodeId","type":"string"},{"name":"accountId","type":"string"},{"name":"raisedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"outcome","type":{"type":"enum","name":"RiskOutcome","symbols":["recovered","cancelled"],"default":"recovered"}},{"name":"score","type":["null","double"],"default":null},{"name":"reason","type":"string"}]},
  },
  {
    fingerprint: 0x512e14da168afa6dn,
    current: true,
    schema: {"type":"record","name":"ChurnRiskRaised","namespace":"plimsoll.customer_success.v1","fields":[{"name":"episodeId","type":"string"},{"name":"accountId","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"trigger","type":{"type":"enum","name":"RiskTrigger","symbols":["score","probability","cancel_requested","payment_failed","silent"],"default":"score"}},{"name":"score","type":["null","double"],"default":null},{"name":"churnProbability","type":["null","double"],"default":null},{"name":"mrrMinor","type":"long"},{"name":"currency","type":"string"},{"name":"drivers","type":{"type":"array","items":{"type":"record","name":"RiskDriver","fields":[{"name":"component","type":"string"},{"name":"metric","type":"string"},{"name":"before","type":["null","double"],"default":null},{"name":"after","type":["null","double"],"default":null},{"name":"points","type":"double"},{"name":"text","type":"string"}]}}},{"name":"reason","type":"string"}]},
  },
  {
    fingerprint: 0xd955f1ae783a5b48n,
    current: true,
    schema: {"type":"record","name":"FeatureAdopted","namespace":"plimsoll.customer_success.v1","fields":[{"name":"accountId","type":"string"},{"name":"feature","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"uses","type":"int"},{"name":"windowDays","type":"int"}]},
  },
  {
    fingerprint: 0xb3c89a80cef4924cn,
    current: true,
    schema: {"type":"record","name":"HealthScoreChanged","namespace":"plimsoll.customer_success.v1","fields":[{"name":"accountId","type":"string"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"kind","type":{"type":"enum","name":"HealthChangeKind","symbols":["changed","corrected"],"default":"changed"}},{"name":"score","type":["null","double"],"default":null},{"name":"previousScore","type":["null","double"],"default":null},{"name":"band","type":{"type":"enum","name":"HealthBand","symbols":["healthy","at_risk","churn_risk","unknown"],"default":"unknown"}},{"name":"previousBand","type":"HealthBand"},{"name":"confidence","type":"double"},{"name":"provisional","type":"boolean"},{"name":"trend7","type":["null","double"],"default":null},{"name":"trend28","type":["null","double"],"default":null},{"name":"trend84","type":["null","double"],"default":null},{"name":"churnProbability","type":["null","double"],"default":null},{"name":"configurationVersion","type":"int"},{"name":"components","type":{"type":"array","items":{"type":"record","name":"HealthComponent","fields":[{"name":"name","type":"string"},{"name":"value","type":["null","double"],"default":null},{"name":"weight","type":"double"},{"name":"confidence","type":"double"}]}}},{"name":"drivers","type":{"type":"array","items":{"type":"record","name":"HealthDriver","fields":[{"name":"component","type":"string"},{"name":"metric","type":"string"},{"name":"before","type":["null","double"],"default":null},{"name":"after","type":["null","double"],"default":null},{"name":"points","type":"double"},{"name":"text","type":"string"}]}}}]},
  },
  {
    fingerprint: 0x7208bd4b0eddb81an,
    current: true,
    schema: {"type":"record","name":"PersonErased","namespace":"plimsoll.customer_success.v1","fields":[{"name":"personHash","type":"string"},{"name":"accountId","type":"string"},{"name":"actionIds","type":{"type":"array","items":"string"}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}]},
  },
  {
    fingerprint: 0xbf797a5679ced47an,
    current: true,
    schema: {"type":"record","name":"AlertReceived","namespace":"plimsoll.incident.v1","fields":[{"name":"alertId","type":"string"},{"name":"source","type":"string"},{"name":"sender","type":{"type":"enum","name":"AlertSender","symbols":["alertmanager_webhook","alertmanager_api","cloudevent"],"default":"cloudevent"}},{"name":"name","type":"string"},{"name":"status","type":{"type":"enum","name":"AlertStatus","symbols":["firing","resolved"]}},{"name":"severity","type":"string"},{"name":"environment","type":"string"},{"name":"service","type":"string"},{"name":"startsAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"endsAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"groupKey","type":"string"},{"name":"fingerprint","type":"string"},{"name":"labels","type":{"type":"map","values":"string"}},{"name":"annotations","type":{"type":"map","values":"string"}},{"name":"generatorUrl","type":"string"}]},
  },
  {
    fingerprint: 0x56fc554259118a39n,
    current: true,
    schema: {"type":"record","name":"DeploymentRecorded","namespace":"plimsoll.incident.v1","fields":[{"name":"deploymentId","type":"string"},{"name":"source","type":"string"},{"name":"sender","type":{"type":"enum","name":"DeploymentSender","symbols":["github","gitlab","argocd","cdevents","api"],"default":"api"}},{"name":"service","type":"string"},{"name":"environment","type":"string"},{"name":"release","type":"string"},{"name":"status","type":{"type":"enum","name":"DeploymentStatus","symbols":["started","succeeded","failed"]}},{"name":"occurredAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"commit","type":"string"},{"name":"url","type":"string"},{"name":"actor","type":"string"}]},
  },
  {
    fingerprint: 0x8d701c532d80dc8cn,
    current: true,
    schema: {"type":"record","name":"BaselineEstablished","namespace":"plimsoll.performance.v1","fields":[{"name":"baselineId","type":"string"},{"name":"service","type":"string"},{"name":"endpoint","type":"string"},{"name":"method","type":"string"},{"name":"environment","type":"string"},{"name":"release","type":"string"},{"name":"metric","type":{"type":"enum","name":"BaselineMetric","symbols":["latency","error_rate","throughput","gauge"],"default":"gauge"}},{"name":"unit","type":"string"},{"name":"firmness","type":{"type":"enum","name":"Firmness","symbols":["provisional","firm"]}},{"name":"from","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"latency","type":["null",{"type":"record","name":"LatencySummary","fields":[{"name":"n","type":"double"},{"name":"p50","type":["null","double"],"default":null},{"name":"p50Low","type":["null","double"],"default":null},{"name":"p50High","type":["null","double"],"default":null},{"name":"p95","type":["null","double"],"default":null},{"name":"p95Low","type":["null","double"],"default":null},{"name":"p95High","type":["null","double"],"default":null},{"name":"p99","type":["null","double"],"default":null},{"name":"p99Low","type":["null","double"],"default":null},{"name":"p99High","type":["null","double"],"default":null},{"name":"mean","type":["null","double"],"default":null},{"name":"histogram","type":["null",{"type":"bytes","logicalType":"histogram"}],"default":null}]}],"default":null},{"name":"throughput","type":["null","double"],"default":null},{"name":"errorRate","type":["null","double"],"default":null},{"name":"value","type":["null","double"],"default":null},{"name":"acceptedShare","type":"double"}]},
  },
  {
    fingerprint: 0xbf26acf0a2d61835n,
    current: true,
    schema: {"type":"record","name":"RegressionDetected","namespace":"plimsoll.performance.v1","fields":[{"name":"regressionId","type":"string"},{"name":"service","type":"string"},{"name":"endpoint","type":"string"},{"name":"method","type":"string"},{"name":"environment","type":"string"},{"name":"release","type":"string"},{"name":"metric","type":{"type":"enum","name":"RegressionMetric","symbols":["latency","error_rate","throughput","gauge"],"default":"gauge"}},{"name":"unit","type":"string"},{"name":"state","type":{"type":"enum","name":"RegressionState","symbols":["suspected","confirmed","accepted"]}},{"name":"direction","type":{"type":"enum","name":"Direction","symbols":["up","down"]}},{"name":"detector","type":"string"},{"name":"onsetAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"detectedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"before","type":{"type":"record","name":"LatencySummary","fields":[{"name":"n","type":"double"},{"name":"p50","type":["null","double"],"default":null},{"name":"p50Low","type":["null","double"],"default":null},{"name":"p50High","type":["null","double"],"default":null},{"name":"p95","type":["null","double"],"default":null},{"name":"p95Low","type":["null","double"],"default":null},{"name":"p95High","type":["null","double"],"default":null},{"name":"p99","type":["null","double"],"default":null},{"name":"p99Low","type":["null","double"],"default":null},{"name":"p99High","type":["null","double"],"default":null},{"name":"mean","type":["null","double"],"default":null},{"name":"histogram","type":["null",{"type":"bytes","logicalType":"histogram"}],"default":null}]}},{"name":"after","type":"LatencySummary"},{"name":"beforeValue","type":"double"},{"name":"afterValue","type":"double"},{"name":"auc","type":["null","double"],"default":null},{"name":"eValue","type":"double"},{"name":"falseAlarmBudget","type":"double"},{"name":"cost","type":["null","double"],"default":null},{"name":"symptoms","type":{"type":"array","items":"string"},"default":[]},{"name":"suspects","type":{"type":"array","items":"string"},"default":[]},{"name":"reason","type":"string"}]},
  },
  {
    fingerprint: 0x9e35d3238a8e8062n,
    current: true,
    schema: {"type":"record","name":"RegressionResolved","namespace":"plimsoll.performance.v1","fields":[{"name":"regressionId","type":"string"},{"name":"service","type":"string"},{"name":"endpoint","type":"string"},{"name":"method","type":"string"},{"name":"environment","type":"string"},{"name":"release","type":"string"},{"name":"metric","type":{"type":"enum","name":"ResolvedMetric","symbols":["latency","error_rate","throughput","gauge"],"default":"gauge"}},{"name":"onsetAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"resolvedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"beforeValue","type":"double"},{"name":"afterValue","type":"double"},{"name":"unit","type":"string"},{"name":"reason","type":"string"}]},
  },
  {
    fingerprint: 0xc6625c564ac9b6can,
    current: true,
    schema: {"type":"record","name":"MetricBatch","namespace":"plimsoll.telemetry.v1","fields":[{"name":"source","type":"string"},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"stringBytes","type":{"type":"bytes","logicalType":"utf8"}},{"name":"stringEnds","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"seriesId","type":{"type":"bytes","logicalType":"u64-le"}},{"name":"describedRow","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"seriesKind","type":{"type":"bytes","logicalType":"u8"}},{"name":"seriesName","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"seriesUnit","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"seriesLabelEnd","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"labelRefs","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"sampleSeries","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"sampleTime","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"sampleStart","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"sampleValue","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramSeries","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"histogramTime","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramStart","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramCount","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramSum","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramMin","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramMax","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramScale","type":{"type":"bytes","logicalType":"i8"}},{"name":"histogramZeroCount","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramZeroThreshold","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramBucketEnd","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"bucketIndex","type":{"type":"bytes","logicalType":"i32-le"}},{"name":"bucketCount","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"histogramBoundEnd","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"bounds","type":{"type":"bytes","logicalType":"f64-le"}}]},
  },
  {
    fingerprint: 0x7abf2567216403e3n,
    current: true,
    schema: {"type":"record","name":"SpanBatch","namespace":"plimsoll.telemetry.v1","fields":[{"name":"source","type":"string"},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"stringBytes","type":{"type":"bytes","logicalType":"utf8"}},{"name":"stringEnds","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"traceId","type":{"type":"bytes","logicalType":"bytes16"}},{"name":"spanId","type":{"type":"bytes","logicalType":"bytes8"}},{"name":"parentSpanId","type":{"type":"bytes","logicalType":"bytes8"}},{"name":"startTime","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"durationMs","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"kind","type":{"type":"bytes","logicalType":"u8"}},{"name":"status","type":{"type":"bytes","logicalType":"u8"}},{"name":"httpStatus","type":{"type":"bytes","logicalType":"u16-le"}},{"name":"serviceRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"environmentRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"releaseRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"instanceRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"nameRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"routeRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"methodRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"systemRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"operationRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"statementRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"peerRef","type":{"type":"bytes","logicalType":"u32-le"}}]},
  },
  {
    fingerprint: 0x64127aec9809ab0en,
    current: true,
    schema: {"type":"record","name":"InvoiceRecorded","namespace":"plimsoll.usage.v1","fields":[{"name":"invoiceId","type":"string"},{"name":"source","type":"string"},{"name":"accountId","type":"string"},{"name":"amountMinor","type":"long"},{"name":"currency","type":"string"},{"name":"status","type":{"type":"enum","name":"InvoiceStatus","symbols":["open","paid","failed","final_failed","refunded","void"],"default":"open"}},{"name":"dueAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"paidAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"attempts","type":"int"},{"name":"updatedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}}]},
  },
  {
    fingerprint: 0xc9f8f6d952e21d69n,
    current: true,
    schema: {"type":"record","name":"NpsRecorded","namespace":"plimsoll.usage.v1","fields":[{"name":"responseId","type":"string"},{"name":"source","type":"string"},{"name":"accountId","type":"string"},{"name":"userId","type":"string"},{"name":"score","type":"int"},{"name":"comment","type":"string"},{"name":"answeredAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}}]},
  },
  {
    fingerprint: 0xfb75208e31809260n,
    current: true,
    schema: {"type":"record","name":"SubscriptionRecorded","namespace":"plimsoll.usage.v1","fields":[{"name":"subscriptionId","type":"string"},{"name":"source","type":"string"},{"name":"accountId","type":"string"},{"name":"status","type":{"type":"enum","name":"SubscriptionStatus","symbols":["trialing","active","past_due","cancel_requested","cancelled"],"default":"active"}},{"name":"plan","type":"string"},{"name":"segment","type":"string"},{"name":"seats","type":"int"},{"name":"mrrMinor","type":"long"},{"name":"currency","type":"string"},{"name":"startedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"renewsAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"cancelledAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"reason","type":"string"},{"name":"updatedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}}]},
  },
  {
    fingerprint: 0x481f4b0f10f60069n,
    current: true,
    schema: {"type":"record","name":"TicketRecorded","namespace":"plimsoll.usage.v1","fields":[{"name":"ticketId","type":"string"},{"name":"source","type":"string"},{"name":"accountId","type":"string"},{"name":"userId","type":"string"},{"name":"severity","type":{"type":"enum","name":"TicketSeverity","symbols":["low","normal","high","urgent"],"default":"normal"}},{"name":"openedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"resolvedAt","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},{"name":"reopened","type":"int"},{"name":"csat","type":["null","double"],"default":null},{"name":"text","type":"string"},{"name":"updatedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}}]},
  },
  {
    fingerprint: 0x439178d92479f709n,
    current: true,
    schema: {"type":"record","name":"UsageBatch","namespace":"plimsoll.usage.v1","fields":[{"name":"source","type":"string"},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"stringBytes","type":{"type":"bytes","logicalType":"utf8"}},{"name":"stringEnds","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"messageId","type":{"type":"bytes","logicalType":"bytes16"}},{"name":"time","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"accountRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"userRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"nameRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"kind","type":{"type":"bytes","logicalType":"u8"}},{"name":"quantity","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"propertiesRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"anonymousRef","type":{"type":"bytes","logicalType":"u32-le"},"default":""},{"name":"originalTime","type":{"type":"bytes","logicalType":"f64-le"},"default":""},{"name":"sentTime","type":{"type":"bytes","logicalType":"f64-le"},"default":""},{"name":"contextRef","type":{"type":"bytes","logicalType":"u32-le"},"default":""}]},
  },
  {
    fingerprint: 0x079e147550efe651n,
    current: false,
    schema: {"type":"record","name":"UsageBatch","namespace":"plimsoll.usage.v1","fields":[{"name":"source","type":"string"},{"name":"receivedAt","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"stringBytes","type":{"type":"bytes","logicalType":"utf8"}},{"name":"stringEnds","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"messageId","type":{"type":"bytes","logicalType":"bytes16"}},{"name":"time","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"accountRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"userRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"nameRef","type":{"type":"bytes","logicalType":"u32-le"}},{"name":"kind","type":{"type":"bytes","logicalType":"u8"}},{"name":"quantity","type":{"type":"bytes","logicalType":"f64-le"}},{"name":"propertiesRef","type":{"type":"bytes","logicalType":"u32-le"}}]},
  },
]
