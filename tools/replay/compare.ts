/** What was found against what was injected. */

import { LATENCY_FAULTS, matchFindings, type NezhaFault } from '../bench/detect/nezha.ts'

/** A regression as `GET /v1/performance/regressions` states it. */
export type Regression = {
  readonly id: string
  readonly service: string
  readonly endpoint: string
  readonly metric: string
  readonly state: string
  readonly onsetAt: string
  readonly detectedAt: string
  readonly confirmedAt: string | null
  readonly beforeValue: number
  readonly afterValue: number
  readonly unit: string
  readonly symptoms: readonly string[]
}

export type Row = {
  readonly fault: NezhaFault
  /** Times of the recording, not shifted. */
  readonly found:
    | { readonly regression: Regression; readonly delaySeconds: number; readonly onsetSeconds: number }
    | undefined
}

export type Comparison = {
  readonly rows: readonly Row[]
  readonly falseAlarms: readonly Regression[]
  readonly summary: {
    readonly faults: number
    /** Seen by a regression, confirmed or only suspected. */
    readonly found: number
    readonly foundConfirmed: number
    readonly latencyFaults: number
    readonly latencyFound: number
    readonly latencyFoundConfirmed: number
    readonly regressions: number
    readonly confirmed: number
    readonly falseConfirmed: number
    readonly falseSuspected: number
    readonly serviceDays: number
    readonly falseConfirmedPerServiceDay: number
    readonly medianDelaySeconds: number | null
    readonly medianOnsetErrorSeconds: number | null
  }
}

const isConfirmed = ({ confirmedAt }: Regression): boolean => confirmedAt !== null

/** `shiftMs` is what was added to the recording's times; `seconds` and `services` say how much was watched. */
export function compare(
  regressions: readonly Regression[],
  faults: readonly NezhaFault[],
  { shiftMs, seconds, services }: { readonly shiftMs: number; readonly seconds: number; readonly services: number },
): Comparison {
  const recorded = (iso: string): number => (Date.parse(iso) - shiftMs) / 1000
  const findings = regressions.map((regression) => ({
    at: recorded(regression.detectedAt),
    service: subjectOf(regression),
    regression,
  }))
  const all = matchFindings(findings, faults)
  const confirmed = matchFindings(
    findings.filter(({ regression }) => isConfirmed(regression)),
    faults,
  )
  const rows = faults.map((fault): Row => {
    // A confirmed one tells more than the suspicion that may have come first.
    const hit = [...confirmed.found, ...all.found].find((found) => found.fault === fault)
    const regression = findings.find((finding) => finding === hit?.finding)?.regression
    if (hit === undefined || regression === undefined) return { fault, found: undefined }
    const onsetSeconds = recorded(regression.onsetAt) - fault.at
    return { fault, found: { regression, delaySeconds: hit.delaySeconds, onsetSeconds } }
  })
  const falseAlarms = findings.filter((finding) => all.false.includes(finding)).map(({ regression }) => regression)
  const falseConfirmed = falseAlarms.filter(isConfirmed).length
  const found = rows.filter((row) => row.found !== undefined)
  const isLatency = ({ fault }: Row) => LATENCY_FAULTS.has(fault.type)
  const byConfirmed = ({ found }: Row) => found !== undefined && isConfirmed(found.regression)
  const serviceDays = (services * seconds) / 86_400
  return {
    rows,
    falseAlarms,
    summary: {
      faults: faults.length,
      found: found.length,
      foundConfirmed: rows.filter(byConfirmed).length,
      latencyFaults: rows.filter(isLatency).length,
      latencyFound: found.filter(isLatency).length,
      latencyFoundConfirmed: rows.filter(isLatency).filter(byConfirmed).length,
      regressions: regressions.length,
      confirmed: regressions.filter(isConfirmed).length,
      falseConfirmed,
      falseSuspected: falseAlarms.length - falseConfirmed,
      serviceDays,
      falseConfirmedPerServiceDay: falseConfirmed / serviceDays,
      medianDelaySeconds: median(found.flatMap((row) => row.found?.delaySeconds ?? [])),
      medianOnsetErrorSeconds: median(found.flatMap((row) => (row.found ? [Math.abs(row.found.onsetSeconds)] : []))),
    },
  }
}

/** `caller_callee` for a call, as the recording names edges; else the service. */
function subjectOf({ service, endpoint }: Regression): string {
  return endpoint.startsWith('calls ') ? `${service}_${endpoint.slice('calls '.length)}` : service
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? null
}

const clock = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(11, 16)

/** The comparison as a table for people. */
export function describe(comparison: Comparison, shiftMs: number): string {
  const lines = [
    'injected  service                  fault            found as                                   delay  onset',
  ]
  for (const { fault, found } of comparison.rows) {
    const head = `${clock(fault.at)}     ${fault.service.padEnd(24)} ${fault.type.padEnd(16)}`
    if (found === undefined) {
      lines.push(`${head} ${LATENCY_FAULTS.has(fault.type) ? 'missed' : 'not seen (no latency fault)'}`)
      continue
    }
    const { regression, delaySeconds, onsetSeconds } = found
    const what = `${stage(regression)} ${subjectOf(regression)} ${change(regression)}`
    lines.push(`${head} ${what.padEnd(42)} ${signed(delaySeconds).padStart(5)} ${signed(onsetSeconds).padStart(6)}`)
  }
  for (const regression of comparison.falseAlarms) {
    const at = clock((Date.parse(regression.detectedAt) - shiftMs) / 1000)
    lines.push(`${at}     no fault near: ${stage(regression)} ${subjectOf(regression)} ${change(regression)}`)
  }
  const { summary } = comparison
  lines.push(
    '',
    `found ${summary.found} of ${summary.faults} faults (${summary.foundConfirmed} confirmed), ` +
      `${summary.latencyFound} of ${summary.latencyFaults} latency faults (${summary.latencyFoundConfirmed} confirmed)`,
    `${summary.confirmed} confirmed regressions of which ${summary.falseConfirmed} false ` +
      `(${summary.falseConfirmedPerServiceDay.toFixed(2)} per service-day); ` +
      `${summary.regressions - summary.confirmed} only suspected of which ${summary.falseSuspected} false`,
    `median delay ${summary.medianDelaySeconds ?? '-'} s, median error of the onset ${summary.medianOnsetErrorSeconds ?? '-'} s`,
  )
  return lines.join('\n')
}

const stage = (regression: Regression): string => (isConfirmed(regression) ? 'confirmed' : 'suspected')
const signed = (seconds: number): string => `${seconds < 0 ? '' : '+'}${Math.round(seconds)}s`
const change = ({ beforeValue, afterValue, unit }: Regression): string =>
  `${short(beforeValue)} -> ${short(afterValue)} ${unit}`
const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(1))
