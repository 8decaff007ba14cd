import { describe, expect, it } from 'vitest'
import { type Severity, worstFirst } from './ranking.ts'

const quiet: Severity = {
  service: 'quiet',
  environment: '',
  confirmed: 0,
  suspected: 0,
  cost: 0,
  errorRate: 0,
  throughput: 10,
  headline: { before: 100, after: null },
}

const order = (...services: readonly Partial<Severity>[]): string[] =>
  services
    .map((service) => ({ ...quiet, ...service }))
    .sort(worstFirst)
    .map(({ service }) => service)

describe('worst first', () => {
  it('puts confirmed before suspected before normal, whatever they cost', () => {
    const ordered = order(
      { service: 'normal' },
      { service: 'suspected', suspected: 3, cost: 900 },
      { service: 'confirmed', confirmed: 1, cost: 1 },
    )
    expect(ordered).toEqual(['confirmed', 'suspected', 'normal'])
  })

  it('given the same state, puts what costs users more time first', () => {
    const ordered = order({ service: 'cheap', confirmed: 2, cost: 10 }, { service: 'dear', confirmed: 1, cost: 4_000 })
    expect(ordered).toEqual(['dear', 'cheap'])
  })

  it('given the same cost, weighs a halved value like a doubled one and below a tripled one', () => {
    const ordered = order(
      { service: 'halved', confirmed: 1, headline: { before: 40, after: 20 } },
      { service: 'tripled', confirmed: 1, headline: { before: 10, after: 30 } },
      { service: 'a-little', confirmed: 1, headline: { before: 10, after: 11 } },
    )
    expect(ordered).toEqual(['tripled', 'halved', 'a-little'])
  })

  it('given nothing open, puts errors, then traffic, then the name', () => {
    const ordered = order(
      { service: 'b' },
      { service: 'a' },
      { service: 'busy', throughput: 500 },
      { service: 'failing', errorRate: 2 },
      { service: 'unknown', errorRate: null, throughput: null, headline: null },
    )
    expect(ordered).toEqual(['failing', 'busy', 'a', 'b', 'unknown'])
  })
})
