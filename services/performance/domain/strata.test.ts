import { describe, expect, it } from 'vitest'
import type { ChartWindow } from './chart.ts'
import { encodeHistogram, histogramOf } from './histogramcodec.ts'
import { strataByStart } from './strata.ts'

function window(minute: number, status_class: number, request_class = '', requests = 30): ChartWindow {
  const histogram = histogramOf(Array.from({ length: requests }, () => 10))
  return {
    ...{ t: new Date(minute * 60_000), status_class, request_class, requests, rate: requests / 60 },
    ...{ sum: histogram.sum, min: 10, max: 10, histogram: encodeHistogram(histogram) },
  }
}

/** Requests by stratum, minute by minute. */
const strataOf = (windows: readonly ChartWindow[]) =>
  [...strataByStart(windows).values()].map((strata) =>
    Object.fromEntries([...strata].map(([stratum, { count }]) => [stratum, count])),
  )

describe('strata', () => {
  it('are status and request class, over releases', () => {
    expect(strataOf([window(1, 2, 'gold'), window(1, 2, 'gold'), window(1, 2, 'free'), window(1, 3, 'free')])).toEqual([
      { '2xx gold': 60, '2xx free': 30, '3xx free': 30 },
    ])
  })

  it('given failures beside answers, are of the answers; given failures alone, of these', () => {
    expect(strataOf([window(1, 2), window(1, 5), window(2, 5)])).toEqual([{ '2xx': 30 }, { '5xx': 30 }])
  })

  it('given a label or a status that some requests do not state, do not tell requests apart by it', () => {
    expect(strataOf([window(1, 2), window(2, 2, 'gold')])).toEqual([{ '2xx': 30 }, { '2xx': 30 }])
    expect(strataOf([window(1, 0, 'gold'), window(2, 2, 'gold')])).toEqual([{ gold: 30 }, { gold: 30 }])
  })
})
