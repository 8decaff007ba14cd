/** What drives a risk: the fall since then, and what was never there. */

import { type Book, medianOf } from './book.ts'
import type { Configuration } from './configuration.ts'
import { explain, type Line } from './explain.ts'
import type { Reading, Readings } from './metrics.ts'
import { type Health, healthBy } from './score.ts'

/** Where the middle account of a segment stands in what is measured by level; trends have each account's own past. */
export function typicalOf(book: Book, segment: string): Readings {
  const breadth = medianOf(book, segment, 'coreBreadth')
  const depth = medianOf(book, segment, 'depth')
  const reading = (value: number, shown: number): Reading => ({ value, shown, confidence: 1 })
  return {
    ...(breadth !== undefined && {
      core_breadth: reading(breadth, Math.round(100 * breadth)),
      core_breadth_rank: reading(0.5, Math.round(100 * breadth)),
    }),
    ...(depth !== undefined && { depth: reading(0.5, depth) }),
  }
}

/**
 * Lines from a standard of the account's own to where it is now: as it was before, but with what it never had at the level
 * of its segment. A change since its baseline and a lack since its start so stand side by side, and still add up exactly.
 */
export function driversOf(before: Health, after: Health, typical: Readings, then: Configuration): readonly Line[] {
  const raised: Partial<Record<keyof Readings, Reading>> = { ...before.readings }
  for (const [name, level] of Object.entries(typical) as [keyof Readings, Reading][]) {
    const own = raised[name]
    if (own !== undefined && own.value < level.value) raised[name] = level
  }
  return explain(healthBy(raised, before.template, then), after, then)
}
