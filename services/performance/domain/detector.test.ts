import { describe, expect, it } from 'vitest'
import {
  anomalyScore,
  createDetector,
  type Detector,
  type DetectorKind,
  loadDetector,
  noteRelease,
  observe,
  restoreDetector,
  saveDetector,
  type Verdict,
} from './detector.ts'
import { createTrack } from './detectorstate.ts'
import { histogramOf } from './histogramcodec.ts'
import { normalQuantile } from './normal.ts'
import { pack, type State } from './pack.ts'
import { SORTED } from './reference.ts'

/** Seeded noise: every test states its seed, so a failure can be repeated. */
function noise(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return normalQuantile((state + 0.5) / 2 ** 32)
  }
}

const START = 1_700_000_000

function feed(d: Detector, values: readonly number[], from: number, interval = 60): Verdict[] {
  return values.flatMap((value, i) => observe(d, { kind: 'value', at: from + i * interval, value }) ?? [])
}

function latencies(n: number, level: number, spread: number, random: () => number): number[] {
  return Array.from({ length: n }, () => level * Math.exp(spread * random()))
}

function quietFor(
  kind: DetectorKind,
  n: number,
  seed = 1,
): { d: Detector; random: () => number; verdicts: Verdict[]; next: number } {
  const random = noise(seed)
  const d = createDetector(kind)
  const verdicts = feed(d, latencies(n, 100, 0.1, random), START)
  return { d, random, verdicts, next: START + n * 60 }
}

describe('a latency series', () => {
  it('given ten quiet days of minutes, gives at most two false alarms', () => {
    const { verdicts } = quietFor('latency', 14_400, 3)
    expect(verdicts.filter((v) => v.state === 'confirmed' || v.state === 'suspected').length).toBeLessThanOrEqual(2)
  })

  it('given +50 % after quiet hours, confirms within ten minutes, dates it and says by how much', () => {
    const { d, random, next } = quietFor('latency', 300)
    const verdict = feed(d, latencies(10, 150, 0.1, random), next).find((v) => v.state === 'confirmed')
    expect(verdict).toMatchObject({ state: 'confirmed', direction: 'up' })
    expect(Math.abs((verdict?.onsetAt ?? 0) - next)).toBeLessThanOrEqual(120)
    expect(verdict?.before.p50).toBeGreaterThan(95)
    expect(verdict?.after.p50).toBeGreaterThan(135)
    expect(verdict?.eValue).toBeGreaterThanOrEqual(300)
    expect(verdict?.reason).toMatch(/\+4\d %|\+5\d %/)
  })

  it('given a three-minute burst, suspects it and resolves it when it went away', () => {
    const { d, random, next } = quietFor('latency', 300)
    const burst = feed(d, latencies(3, 400, 0.1, random), next)
    expect(burst[0]).toMatchObject({ state: 'suspected', direction: 'up', detector: 'burst' })
    const later = feed(d, latencies(20, 100, 0.1, random), next + 180)
    expect(later.map((v) => v.state)).toEqual(['resolved'])
  })

  it('given one minute far out, says nothing; given a second, suspects', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { d, next } = quietFor('latency', 300, seed)
      expect(feed(d, [1000], next)).toEqual([])
      expect(feed(d, [1000], next + 60)).toMatchObject([{ state: 'suspected', detector: 'burst', onsetAt: next }])
    }
  })

  it('given a level that stays for more than two hours, accepts it as the new regime and is quiet on it', () => {
    const { d, random, next } = quietFor('latency', 300)
    const verdicts = feed(d, latencies(400, 160, 0.1, random), next)
    expect(verdicts.map((v) => v.state).filter((s) => s !== 'suspected')).toEqual(['confirmed', 'accepted'])
  })

  it('given an improvement, takes it as the new normal without an incident', () => {
    const { d, random, next } = quietFor('latency', 300)
    const verdicts = feed(d, latencies(60, 70, 0.1, random), next)
    expect(verdicts.map((v) => `${v.state} ${v.direction}`)).toEqual(['accepted down'])
  })

  it('given a significant change of 4 %, says nothing: it is too small to matter', () => {
    const { d, random, next } = quietFor('latency', 300, 5)
    expect(feed(d, latencies(120, 104, 0.01, random), next)).toEqual([])
  })

  it('given late, repeated, missing and impossible windows, ignores and counts them', () => {
    const { d, next } = quietFor('latency', 100)
    const seen = d.seen
    expect(observe(d, { kind: 'value', at: next - 600, value: 1e6 })).toBeUndefined()
    expect(observe(d, { kind: 'value', at: next, value: Number.NaN })).toBeUndefined()
    expect(observe(d, { kind: 'value', at: next + 3600, value: 0, weight: 0 })).toBeUndefined()
    expect(d.late).toBe(1)
    expect(d.seen).toBe(seen)
    expect(d.interval).toBeGreaterThanOrEqual(60)
  })

  it('given five-minute and hourly windows, works on them alike', () => {
    for (const interval of [300, 3600]) {
      const random = noise(9)
      const d = createDetector('latency')
      feed(d, latencies(200, 100, 0.1, random), START, interval)
      const verdicts = feed(d, latencies(10, 300, 0.1, random), START + 200 * interval, interval)
      expect(verdicts[0]).toMatchObject({ direction: 'up', state: 'confirmed' })
    }
  })

  it('given one hour far above all others in the first week, says so within the next', () => {
    const random = noise(4)
    const d = createDetector('latency')
    feed(d, latencies(100, 100, 0.1, random), START, 3600)
    // The hour before is a little high: it must not be taken for the beginning.
    const verdicts = feed(d, [125, 2500, 2400], START + 100 * 3600, 3600)
    expect(verdicts[0]).toMatchObject({ state: 'confirmed', direction: 'up', onsetAt: START + 101 * 3600 })
  })

  it('given hours that drift within twice their usual spread, leaves them to the drift of a month', () => {
    const random = noise(6)
    const d = createDetector('latency')
    feed(d, latencies(300, 100, 0.15, random), START, 3600)
    expect(feed(d, latencies(30, 122, 0.15, random), START + 300 * 3600, 3600)).toEqual([])
  })

  it('given a release before the change, attributes it', () => {
    const { d, random, next } = quietFor('latency', 300)
    noteRelease(d, next - 60, 'v42')
    const verdict = feed(d, latencies(10, 140, 0.1, random), next).find((v) => v.detector === 'release')
    expect(verdict?.release).toBe('v42')
    expect(verdict?.reason).toContain('v42')
  })

  it('given a daily rhythm, learns it and stays quiet through its peaks', () => {
    const random = noise(11)
    const d = createDetector('latency')
    const days = Array.from(
      { length: 24 * 14 },
      (_, h) => 100 * Math.exp(0.5 * Math.sin((h / 24) * 2 * Math.PI) + 0.04 * random()),
    )
    const verdicts = feed(d, days, START - (START % 86_400), 3600)
    const late = verdicts.filter((v) => v.state === 'confirmed' && v.onsetAt > START + 6 * 86_400)
    expect(d.track?.season?.used).toBeGreaterThan(0)
    expect(late).toEqual([])
  })
})

describe('a histogram series', () => {
  it('given slower requests, finds them with the AUC and the quantiles before and after', () => {
    const random = noise(2)
    const d = createDetector('latency')
    const minute = (level: number) => histogramOf(latencies(300, level, 0.5, random))
    const verdicts: Verdict[] = []
    for (let i = 0; i < 150; i++) {
      const v = observe(d, { kind: 'histogram', at: START + i * 60, histogram: minute(i < 120 ? 50 : 75) })
      if (v !== undefined) verdicts.push(v)
    }
    const first = verdicts[0]
    expect(first).toMatchObject({ direction: 'up' })
    expect((first?.onsetAt ?? 0) - (START + 120 * 60)).toBeLessThanOrEqual(60)
    expect(first?.auc).toBeGreaterThan(0.6)
    expect(first?.before.n).toBeGreaterThan(300)
    expect(first?.after.p95).toBeGreaterThan((first?.before.p95 ?? 0) * 1.2)
  })
})

describe('an error series', () => {
  it('given rare errors, stays quiet; given ten times as many, confirms and later resolves', () => {
    const d = createDetector('errors')
    const verdicts: Verdict[] = []
    for (let i = 0; i < 400; i++) {
      const errors = i >= 200 && i < 220 ? 5 : i % 20 === 0 ? 1 : 0
      const v = observe(d, { kind: 'ratio', at: START + i * 60, errors, total: 200 })
      if (v !== undefined) verdicts.push(v)
    }
    expect(verdicts.map((v) => v.state)).toEqual(['confirmed', 'resolved'])
    expect(verdicts[0]?.detector).toBe('errors')
    expect(verdicts[0]?.onsetAt).toBeGreaterThanOrEqual(START + 199 * 60)
    expect(verdicts[0]?.after.p50).toBeGreaterThan(2)
  })
})

describe('a throughput series', () => {
  it('given a fall by half, confirms it; given growth, accepts it', () => {
    const fall = quietFor('throughput', 300)
    expect(feed(fall.d, latencies(10, 50, 0.1, fall.random), fall.next).at(-1)).toMatchObject({
      direction: 'down',
      detector: 'throughput',
    })
    const growth = quietFor('throughput', 300)
    expect(feed(growth.d, latencies(30, 200, 0.1, growth.random), growth.next).map((v) => v.state)).toEqual([
      'accepted',
    ])
  })
})

describe('state', () => {
  it('given any moment, goes on after saving and loading exactly as it would have without', () => {
    const { d, random, next } = quietFor('latency', 333, 7)
    const copy = loadDetector(saveDetector(d))
    const rest = [...latencies(40, 100, 0.1, random), ...latencies(60, 180, 0.1, random)]
    expect(feed(copy, rest, next)).toEqual(feed(d, rest, next))
    expect(saveDetector(copy)).toEqual(saveDetector(d))
    expect(saveDetector(d).length).toBeLessThan(5120)
  })

  it('given what the versions before saved, goes on with its reference, its episode and its evidence', () => {
    const { d, random, next } = quietFor('latency', 333, 7)
    feed(d, latencies(4, 130, 0.1, random), next)
    const track = d.track ?? createTrack()
    const { ring, size, next: place, [SORTED]: sorted } = track.reference
    const reference = { ring, sorted, size, next: place }
    expect(restoreDetector(pack({ ...d, track: { ...track, reference } } as unknown as State, 4))).toEqual(d)
    // In version 3 there was no fifth component of the evidence up and down.
    const shift = Float64Array.of(
      ...track.shift.subarray(0, 4),
      ...track.shift.subarray(5, 9),
      ...track.shift.subarray(10),
    )
    const bytes = pack({ ...d, track: { ...track, reference, shift } } as unknown as State, 3)
    track.shift[4] = 0
    track.shift[9] = 0
    expect(restoreDetector(bytes)).toEqual(d)
  })

  it('given bytes of another version or cut off, refuses them', () => {
    const bytes = saveDetector(createDetector('gauge'))
    expect(() => loadDetector(bytes.subarray(0, 100))).toThrow(RangeError)
    expect(() => loadDetector(Uint8Array.of(99, 0, 0))).toThrow(RangeError)
  })

  it('given a spike, its anomaly score rises far above that of a quiet point', () => {
    const d = createDetector('gauge', { scorePoints: true })
    feed(d, latencies(600, 100, 0.1, noise(1)), START)
    const next = START + 600 * 60
    const quiet = anomalyScore(d)
    observe(d, { kind: 'value', at: next, value: 1000 })
    expect(anomalyScore(d)).toBeGreaterThan(quiet)
    expect(anomalyScore(d)).toBeLessThanOrEqual(1)
    expect(anomalyScore(d)).toBeGreaterThan(0.3)
  })
})
