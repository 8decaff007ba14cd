/** What drives a risk: the fall since then, and what was never there. */

import { type Book, valueAtRank } from './book.ts'
import type { Configuration } from './configuration.ts'
import { explain, type Line } from './explain.ts'
import type { Reading, Readings } from './metrics.ts'
import { type Health, healthBy } from './score.ts'

/** Somewhat below the middle: a lack is what most accounts of the segment do not have. */
const USUAL_RANK = 0.4

/** What is usual in a segment for what is measured by level; trends have each account's own past. */
export function typicalOf(book: Book, segment: string): Readings {
  const breadth = valueAtRank(book, segment, 'coreBreadth', USUAL_RANK)
  const depth = valueAtRank(book, segment, 'depth', USUAL_RANK)
  const reading = (value: number, shown: number): Reading => ({ value, shown, confidence: 1 })
  return {
    ...(breadth !== undefined && {
      core_breadth: reading(breadth, Math.round(100 * breadth)),
      core_breadth_rank: reading(USUAL_RANK, Math.round(100 * breadth)),
    }),
    ...(depth !== undefined && { depth: reading(USUAL_RANK, depth) }),
  }
}

/**
 * The standard an account is held to when it is asked what drives its risk: as it was before, but with what it never had at
 * the usual level. A change since its baseline and a lack since its start so stand side by side.
 */
export function standardOf(before: Health, typical: Readings, then: Configuration): Health {
  const raised: Partial<Record<keyof Readings, Reading>> = { ...before.readings }
  for (const [name, level] of Object.entries(typical) as [keyof Readings, Reading][]) {
    const own = raised[name]
    if (own !== undefined && own.value < level.value) raised[name] = level
  }
  return healthBy(raised, before.template, then)
}

/** Lines from that standard to where the account is now; they add up exactly. */
export function driversOf(before: Health, after: Health, typical: Readings, then: Configuration): readonly Line[] {
  return explain(standardOf(before, typical, then), after, then)
}
