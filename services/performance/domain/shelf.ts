/**
 * Places for bytes that stay for long, side by side in buffers of some hundred KB. As a buffer of its own each would lie
 * among those that come and go with every message, and keep the memory around it from being given back.
 */

/** Free places, by length. */
export type Shelf = Map<number, Uint8Array[]>

const PLACES = 64

/** A copy of the bytes, in a place of its own until it is given back. */
export function shelve(shelf: Shelf, bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  let free = shelf.get(length)
  if (free === undefined) {
    free = []
    shelf.set(length, free)
  }
  if (free.length === 0) {
    const buffer = new Uint8Array(PLACES * length)
    for (let at = 0; at < buffer.length; at += length) free.push(buffer.subarray(at, at + length))
  }
  const place = free.pop() as Uint8Array
  place.set(bytes)
  return place
}

/** The place may be taken by others from now on. */
export function giveBack(shelf: Shelf, place: Uint8Array): void {
  shelf.get(place.length)?.push(place)
}
