/**
 * Gives the memory of a large buffer back at once, where the caller knows that nobody reads it any more. Left to the
 * collector, every 64 MiB of them cost a marking of the whole heap: half as much CPU as decoding what they held.
 */
export function release(bytes: Uint8Array): void {
  const { buffer } = bytes
  // A small Buffer is a part of Node's shared pool.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0)
}
