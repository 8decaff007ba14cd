import { SERIES_KIND, type SeriesKind } from '@plimsoll/contracts/metric-batch.ts'
import type { Label } from '../domain/series.ts'
import { DecodeError } from './failure.ts'

export type TextSample = { readonly labels: readonly Label[]; readonly kind: SeriesKind; readonly value: number }

/**
 * Prometheus' text format 0.0.4, as /metrics exposes it. The parts of a classic histogram stay what they are on the
 * wire, a counter series each. Throws DecodeError with the line that does not parse.
 */
export function parsePrometheusText(text: string): TextSample[] {
  const types = new Map<string, string>()
  const samples: TextSample[] = []
  text.split('\n').forEach((line, index) => {
    if (line.startsWith('# TYPE ')) {
      const [name = '', type = ''] = line.slice('# TYPE '.length).split(' ')
      types.set(name, type)
    } else if (line !== '' && !line.startsWith('#')) samples.push(parseLine(line, index + 1, types))
  })
  return samples
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/
const labelPair = /\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*(?:,|$)/y

function parseLine(line: string, number: number, types: ReadonlyMap<string, string>): TextSample {
  const match = sampleLine.exec(line)
  if (match === null) throw new DecodeError(`line ${number} is not a sample: ${line.slice(0, 100)}`)
  const [, name = '', labelText = '', valueText = ''] = match
  const labels: Label[] = [['__name__', name]]
  labelPair.lastIndex = 0
  while (labelPair.lastIndex < labelText.length) {
    const pair = labelPair.exec(labelText)
    if (pair === null) throw new DecodeError(`line ${number} has labels that do not parse: ${line.slice(0, 100)}`)
    labels.push([pair[1] ?? '', unescaped(pair[2] ?? '')])
  }
  const value = numberOf(valueText)
  if (value === undefined) throw new DecodeError(`line ${number} has a value that is no number: ${valueText}`)
  return { labels, kind: kindOf(name, types), value }
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
}

/** As Go's ParseFloat reads them, whatever their case: a widespread client writes Nan. */
const words = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['+inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
])

function numberOf(text: string): number | undefined {
  const value = Number(text)
  return Number.isNaN(value) ? words.get(text.toLowerCase()) : value
}

function kindOf(name: string, types: ReadonlyMap<string, string>): SeriesKind {
  switch (types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, ''))) {
    case 'counter':
      return SERIES_KIND.cumulativeCounter
    case 'gauge':
      return SERIES_KIND.gauge
    case 'histogram':
    case 'summary':
      return /_(bucket|sum|count)$/.test(name) ? SERIES_KIND.cumulativeCounter : SERIES_KIND.gauge
    default:
      return SERIES_KIND.unknown
  }
}
