import type { BenchRow } from '../detect/main.ts'

/** A row of the scoreboard (customer-success.md section 7); `bench` is its number there. */
export type CsRow = BenchRow & {
  /** What was measured before, by the same definition. */
  readonly baseline?: string
}
