import type { ColumnType, Generated } from 'kysely'

/** bigint comes back as text from the driver. */
type Count = ColumnType<string, number, number>

export type SourceIntakeTable = {
  source: string
  protocol: string
  requests: Count
  repeats: Count
  bytes: Count
  samples: Count
  histograms: Count
  exemplars: Count
  spans: Count
  events: Count
  first_seen: Generated<Date>
  last_seen: Date
  last_event: Date | null
}

export type SourceRefusalTable = {
  source: string
  protocol: string
  reason: string
  count: Count
  last_example: string
  last_seen: Date
}

export type GatewayTables = {
  source_intake: SourceIntakeTable
  source_refusal: SourceRefusalTable
}
