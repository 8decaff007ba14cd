/**
 * Detectors at rest are bytes, those that are saved. As objects of typed arrays they take twice the memory or more, and a
 * lane has two or three an endpoint. While one takes in windows it lies on the workbench, which holds one of each kind:
 * an endpoint has no two of a kind, and its windows come one after the other.
 */

import {
  createDetector,
  type Detector,
  type DetectorKind,
  loadDetector,
  restoreDetector,
  saveDetector,
} from './detector.ts'

export type Resting = {
  readonly kind: DetectorKind
  state: Uint8Array
  /** The detector's own: 1 up, -1 down, 0 before it said anything. */
  direction: number
}

type Place = { readonly detector: Detector; owner: Resting | undefined }
export type Workbench = Map<DetectorKind, Place>

export function rest(detector: Detector): Resting {
  return { kind: detector.kind, state: saveDetector(detector), direction: detector.direction }
}

/** Throws RangeError when the bytes are not a detector of this version or the two before. */
export function restoreResting(bytes: Uint8Array): Resting {
  return rest(restoreDetector(bytes))
}

/** The detector of `resting`, to be changed until another one of its kind is taken up or the workbench cleared. */
export function takeUp(workbench: Workbench, resting: Resting): Detector {
  let place = workbench.get(resting.kind)
  if (place === undefined) {
    place = { detector: createDetector(resting.kind), owner: undefined }
    workbench.set(resting.kind, place)
  }
  if (place.owner !== resting) {
    layDown(place)
    loadDetector(resting.state, place.detector)
    place.owner = resting
  }
  return place.detector
}

/** Puts back what lies on the workbench; before that `state` and `direction` of its owners are not up to date. */
export function clearWorkbench(workbench: Workbench): void {
  for (const place of workbench.values()) layDown(place)
}

function layDown(place: Place): void {
  const { detector, owner } = place
  if (owner === undefined) return
  owner.state = saveDetector(detector, owner.state)
  owner.direction = detector.direction
  place.owner = undefined
}
