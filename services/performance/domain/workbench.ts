/**
 * Detectors at rest are bytes, those that are saved. As objects of typed arrays they take twice the memory, and a lane
 * has two or three an endpoint. While one takes in windows it lies on the workbench, which holds one of each kind: an
 * endpoint has no two of a kind, and its windows come one after the other.
 */

import {
  createDetector,
  type Detector,
  type DetectorKind,
  loadDetector,
  restoreDetector,
  saveDetector,
} from './detector.ts'
import { giveBack, type Shelf, shelve } from './shelf.ts'

export type Resting = {
  readonly kind: DetectorKind
  state: Uint8Array
  /** The detector's own: 1 up, -1 down, 0 before it said anything. */
  direction: number
}

type Place = { readonly detector: Detector; owner: Resting | undefined }
export type Workbench = { readonly places: Map<DetectorKind, Place>; readonly shelf: Shelf }

export const createWorkbench = (): Workbench => ({ places: new Map(), shelf: new Map() })

export function rest({ shelf }: Workbench, detector: Detector): Resting {
  return { kind: detector.kind, state: shelve(shelf, saveDetector(detector)), direction: detector.direction }
}

/** Throws RangeError when the bytes are not a detector of this version or the one before. */
export function restoreResting(workbench: Workbench, bytes: Uint8Array): Resting {
  return rest(workbench, restoreDetector(bytes))
}

/** Of a detector that is not needed any more: its bytes make room for those of another. */
export function throwAway({ shelf }: Workbench, { state }: Resting): void {
  giveBack(shelf, state)
}

/** The detector of `resting`, to be changed until another one of its kind is taken up or the workbench cleared. */
export function takeUp({ places, shelf }: Workbench, resting: Resting): Detector {
  let place = places.get(resting.kind)
  if (place === undefined) {
    place = { detector: createDetector(resting.kind), owner: undefined }
    places.set(resting.kind, place)
  }
  if (place.owner !== resting) {
    layDown(shelf, place)
    loadDetector(resting.state, place.detector)
    place.owner = resting
  }
  return place.detector
}

/** Puts back what lies on the workbench; before that `state` and `direction` of its owners are not up to date. */
export function clearWorkbench({ places, shelf }: Workbench): void {
  for (const place of places.values()) layDown(shelf, place)
}

function layDown(shelf: Shelf, place: Place): void {
  const { detector, owner } = place
  if (owner === undefined) return
  const bytes = saveDetector(detector, owner.state)
  if (bytes !== owner.state) {
    giveBack(shelf, owner.state)
    owner.state = shelve(shelf, bytes)
  }
  owner.direction = detector.direction
  place.owner = undefined
}
