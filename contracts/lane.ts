/**
 * Lanes of an installation that was not made with another count (`LANES`). The count is in each stream's metadata and
 * never changes in place: another count would send an entity's next message to another lane.
 */
export const defaultLaneCount = 16

/** A subject has two digits for its lane, and a broker's consumers and a database's leases are counted per lane. */
export const maxLaneCount = 64

/**
 * Lane of a key among `lanes`: FNV-1a 32 over its UTF-8 bytes, modulo their count. Equal to the broker's own
 * `{{partition(16,1)}}` mapping, so the subjects of foreign producers can be mapped by the server.
 * @example laneOf(metricLaneKey('checkout', 'prometheus-eu'), log.lanes) // 0..15
 */
export function laneOf(key: string, lanes: number): number {
  return fnv1a32(key) % lanes
}

/** Two digits, as written in subjects: 7 -> '07'. */
export function laneToken(lane: number): string {
  if (!Number.isInteger(lane) || lane < 0 || lane >= maxLaneCount) {
    throw new RangeError(`lane ${lane} is outside 0..${maxLaneCount - 1}`)
  }
  return lane < 10 ? `0${lane}` : String(lane)
}

/** FNV-1a, 32 bit (draft-eastlake-fnv, section 5), as an unsigned number. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return fnv1a32Bytes(Buffer.from(text, 'utf8'))
    hash = Math.imul(hash ^ code, 0x01000193)
  }
  return hash >>> 0
}

function fnv1a32Bytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193)
  return hash >>> 0
}

/** Lane key of METRIC: all series of a service from one source keep their order. */
export function metricLaneKey(service: string, source: string): string {
  return `${service}\u0000${source}`
}

/** Lane key of INCIDENT: alerts and deployments of one service in one environment keep their order. */
export function incidentLaneKey(environment: string, service: string): string {
  return `${environment}\u0000${service}`
}
