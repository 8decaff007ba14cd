import { expect, test } from 'vitest'
import { createDetector, type DetectorKind, loadDetector, type Observation, observe, saveDetector } from './detector.ts'
import { histogramOf } from './histogramcodec.ts'
import { clearWorkbench, rest, restoreResting, takeUp, type Workbench } from './workbench.ts'

/** A window of one of several series that are all of the same level until number 120, and then differ. */
function windowOf(kind: DetectorKind, series: number, number: number): Observation {
  const at = 1_760_000_000 + number * 60
  const level = (100 + ((number * 7919 + series) % 13)) * (number < 120 ? 1 : 1 + series)
  if (kind === 'errors') return { kind: 'ratio', at, errors: number < 120 ? 1 : 10 * series, total: 100 }
  if (kind === 'latency' && series !== 2) {
    return { kind: 'histogram', at, histogram: histogramOf(Array.from({ length: 40 }, (_, i) => level + i)) }
  }
  return { kind: 'value', at, value: level }
}

test('detectors that take turns on the workbench say and become what detectors of their own do', () => {
  const workbench: Workbench = new Map()
  const kinds = ['latency', 'errors', 'throughput', 'gauge'] as const
  const all = kinds.flatMap((kind) =>
    [0, 1, 2].map((series) => ({ kind, series, own: createDetector(kind), resting: rest(createDetector(kind)) })),
  )
  let verdicts = 0
  for (let number = 0; number < 160; number++) {
    for (const { kind, series, own, resting } of all) {
      const window = windowOf(kind, series, number)
      const said = observe(own, window)
      expect(observe(takeUp(workbench, resting), window)).toEqual(said)
      if (said !== undefined) verdicts++
    }
    if (number % 7 === 0) clearWorkbench(workbench)
  }
  clearWorkbench(workbench)
  expect(verdicts).toBeGreaterThan(0)
  for (const { own, resting } of all) {
    expect(resting.state).toEqual(saveDetector(own))
    expect(resting.direction).toBe(own.direction)
  }
})

test('a detector that is loaded rests as it was, and bytes of another version are refused', () => {
  const detector = createDetector('gauge')
  const resting = restoreResting(saveDetector(detector))
  expect(loadDetector(resting.state)).toEqual(detector)
  expect(() => restoreResting(Uint8Array.of(99, 0, 0))).toThrow(RangeError)
})
