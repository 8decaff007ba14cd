import type { Route } from '@plimsoll/kit/service.ts'
import type { Ingestion } from '../ingestion.ts'
export function otlpRoutes(_ingestion: Ingestion, _maxBodyBytes: number): readonly Route[] {
  return []
}
