/**
 * A stretch of time to read: samples at `fromMs + stepMs`, ..., `untilMs`. Both ends are multiples of the step, so
 * that neighbours share no sample and a stretch read again has the same ones.
 */
export type Span = { readonly fromMs: number; readonly untilMs: number; readonly stepMs: number }

/** Prometheus answers at most this many points for a series. */
const maxPoints = 11_000
/** Longest stretch read with one query: small enough for the answer of a wide metric. */
const longestMs = 2 * 3_600_000

export const alignDown = (timeMs: number, stepMs: number): number => Math.floor(timeMs / stepMs) * stepMs

/**
 * The next stretch behind `pulledUntilMs`, undefined while no whole step has passed. Without a checkpoint it begins
 * `backfillMs` ago; it has at most `mostSteps` steps. Its first sample lies behind the checkpoint even where the step has changed since.
 */
export function nextSpan(
  pulledUntilMs: number | undefined,
  settledMs: number,
  stepMs: number,
  backfillMs: number,
  mostSteps: number,
): Span | undefined {
  const fromMs = alignDown(pulledUntilMs ?? settledMs - backfillMs, stepMs)
  const longest = Math.min(longestMs, Math.min(mostSteps, maxPoints) * stepMs)
  const untilMs = Math.min(alignDown(settledMs, stepMs), fromMs + alignDown(longest, stepMs))
  return untilMs > fromMs ? { fromMs, untilMs, stepMs } : undefined
}

export const stepsOf = ({ fromMs, untilMs, stepMs }: Span): number => Math.round((untilMs - fromMs) / stepMs)

/** Two halves of a stretch whose answer was too large; undefined when it is a single step. */
export function halves(span: Span): readonly [Span, Span] | undefined {
  const { fromMs, untilMs, stepMs } = span
  const steps = stepsOf(span)
  if (steps < 2) return undefined
  const middle = fromMs + Math.floor(steps / 2) * stepMs
  return [
    { fromMs, untilMs: middle, stepMs },
    { fromMs: middle, untilMs, stepMs },
  ]
}

/** Steps a scrape interval is rounded to, seconds: the usual ones, so that measuring it a little off changes nothing. */
const usualSteps = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300]

/** Median distance between neighbouring samples of the series, in their unit; undefined below two samples. */
export function typicalSpacing(times: readonly (readonly number[])[]): number | undefined {
  const gaps = times.flatMap((series) => series.slice(1).map((time, index) => time - (series[index] ?? time)))
  return gaps.sort((a, b) => a - b)[gaps.length >> 1]
}

/** The usual step nearest to a measured scrape interval. */
export const stepFor = (intervalSeconds: number): number =>
  usualSteps.reduce((best, step) =>
    Math.abs(Math.log(step / intervalSeconds)) < Math.abs(Math.log(best / intervalSeconds)) ? step : best,
  )
