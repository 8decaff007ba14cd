import { describe, expect, it } from 'vitest'
import { type NabSeries, pointWorth, scoreNab } from './nab.ts'

const series: NabSeries = {
  name: 'one',
  at: Float64Array.from({ length: 1000 }, (_, i) => i * 300),
  value: new Float64Array(1000),
  windows: [
    [300, 349],
    [700, 799],
  ],
}

function detections(...at: number[]): Float64Array[] {
  const scores = new Float64Array(1000)
  for (const i of at) scores[i] = 1
  return [scores]
}

describe('NAB score', () => {
  it('is 0 for a detector that never fires and 100 for one that fires at the start of every window', () => {
    expect(scoreNab([series], detections()).score).toBe(0)
    expect(scoreNab([series], detections(300, 700)).score).toBeCloseTo(100, 10)
  })

  it('counts only the earliest detection of a window and little for the last point', () => {
    expect(scoreNab([series], detections(300, 320, 349, 700)).score).toBeCloseTo(100, 10)
    expect(scoreNab([series], detections(349, 700)).score).toBeGreaterThan(75)
    expect(scoreNab([series], detections(349, 700)).score).toBeLessThan(78)
  })

  it('charges 0.11 of a window for a false detection far from windows and less right after one', () => {
    const far = 100 - scoreNab([series], detections(200, 300, 700)).score
    const near = 100 - scoreNab([series], detections(300, 355, 700)).score
    expect(far).toBeCloseTo((100 * 0.11) / 4, 6)
    expect(near).toBeGreaterThan(0)
    expect(near).toBeLessThan(far)
  })

  it('ignores detections in the first 15 % of the file', () => {
    expect(scoreNab([series], detections(10, 149, 300, 700)).score).toBeCloseTo(100, 10)
    expect(pointWorth(series).window[149]).toBe(-2)
    expect(pointWorth(series).window[150]).toBe(-1)
  })
})
