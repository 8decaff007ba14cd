import { describe, expect, it } from 'vitest'
import { type ServiceBaseline, type ServiceRegressions, serviceLines } from './overview.ts'

const normal: ServiceBaseline = {
  service: 'order',
  environment: 'production',
  series: 4,
  firm: 3,
  throughput: 41,
  errorRate: 0.4,
  endpoint: '/orders',
  method: 'GET',
  p95: 110,
}

const open: ServiceRegressions = {
  service: 'order',
  environment: 'production',
  confirmed: 1,
  suspected: 1,
  cost: 1_840,
  endpoint: '/orders/refresh',
  method: 'POST',
  metric: 'latency',
  unit: 'ms',
  before: 110,
  after: 237,
}

describe('service lines', () => {
  it('given only a baseline, stand for the service with its busiest series and nothing after it', () => {
    expect(serviceLines([normal], [])).toEqual([
      expect.objectContaining({
        state: 'normal',
        series: 4,
        headline: { endpoint: '/orders', method: 'GET', metric: 'latency', unit: 'ms', before: 110, after: null },
      }),
    ])
  })

  it('given a regression too, stand for it with the worst regression', () => {
    expect(serviceLines([normal], [open])).toEqual([
      expect.objectContaining({
        state: 'confirmed',
        cost: 1_840,
        throughput: 41,
        headline: expect.objectContaining({ endpoint: '/orders/refresh', before: 110, after: 237 }),
      }),
    ])
  })

  it('given a regression without a baseline, still show the service', () => {
    expect(serviceLines([], [{ ...open, confirmed: 0 }])).toEqual([
      expect.objectContaining({ service: 'order', state: 'suspected', series: 0, throughput: null }),
    ])
  })

  it('keep one service in two environments apart', () => {
    const lines = serviceLines([normal, { ...normal, environment: 'staging' }], [open])
    expect(lines.map(({ environment, state }) => [environment, state])).toEqual([
      ['production', 'confirmed'],
      ['staging', 'normal'],
    ])
  })
})
