/** Streams (architecture.md section 4). */
export type StreamName = 'METRIC' | 'INCIDENT' | 'USAGE' | 'DERIVED' | 'DEADLETTER' | 'AUDIT'
