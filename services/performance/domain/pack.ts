/**
 * Plain state (numbers, short strings, typed arrays, records of these) <-> bytes. The shape is not stored: unpacking
 * writes into a state of the same shape, so a version byte in front must change with the shape.
 */

type Packed = Float64Array | Float32Array | Int16Array | Uint16Array | Uint32Array | Uint8Array
export type State = { [key: string]: State | Packed | number | string | undefined }

function isArray(value: unknown): value is Packed {
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Where states are packed before their size is known: shared, used only inside one call. */
const scratch = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) }

function reserve(length: number): void {
  if (length <= scratch.bytes.length) return
  const grown = new Uint8Array(2 * length)
  grown.set(scratch.bytes)
  scratch.bytes = grown
  scratch.view = new DataView(grown.buffer)
}

/** Bytes of a state behind a version byte, valid until the next call. */
export function pack(state: State, version: number): Uint8Array {
  reserve(1)
  scratch.bytes[0] = version
  const end = write(state, 1)
  return scratch.bytes.subarray(0, end)
}

function write(state: State, from: number): number {
  let at = from
  for (const value of Object.values(state)) {
    if (typeof value === 'number') {
      reserve(at + 8)
      scratch.view.setFloat64(at, value, true)
      at += 8
    } else if (typeof value === 'string') {
      // Mostly empty.
      const text = value === '' ? undefined : encoder.encode(value)
      const length = text?.length ?? 0
      reserve(at + 2 + length)
      scratch.view.setUint16(at, length, true)
      if (text !== undefined) scratch.bytes.set(text, at + 2)
      at += 2 + length
    } else if (isArray(value)) {
      reserve(at + value.byteLength)
      scratch.bytes.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), at)
      at += value.byteLength
    } else {
      reserve(at + 1)
      scratch.bytes[at++] = value === undefined ? 0 : 1
      if (value !== undefined) at = write(value, at)
    }
  }
  return at
}

/**
 * Fills `state` from bytes, whatever it held. `create` makes the parts that are absent in it, by name. Throws RangeError
 * when the version differs or the bytes do not fit the shape.
 */
export function unpack(bytes: Uint8Array, version: number, state: State, create: { [key: string]: () => State }): void {
  if (bytes[0] !== version) throw new RangeError(`saved state has version ${bytes[0]}, this code reads ${version}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = read(state, bytes, view, 1, create)
  if (end !== bytes.length) throw new RangeError('saved state has another shape')
}

function read(
  state: State,
  bytes: Uint8Array,
  view: DataView,
  from: number,
  create: { [key: string]: () => State },
): number {
  let at = from
  for (const key of Object.keys(state)) {
    const value = state[key]
    if (typeof value === 'number') {
      state[key] = view.getFloat64(at, true)
      at += 8
    } else if (typeof value === 'string') {
      const length = view.getUint16(at, true)
      state[key] = length === 0 ? '' : decoder.decode(bytes.subarray(at + 2, at + 2 + length))
      at += 2 + length
    } else if (isArray(value)) {
      if (at + value.byteLength > bytes.length) throw new RangeError('saved state ends early')
      new Uint8Array(value.buffer, value.byteOffset, value.byteLength).set(bytes.subarray(at, at + value.byteLength))
      at += value.byteLength
    } else {
      const present = bytes[at++] === 1
      if (!present) state[key] = undefined
      else {
        const part = value ?? create[key]?.()
        if (part === undefined) throw new RangeError(`saved state has a part "${key}" that is not known`)
        state[key] = part
        at = read(part, bytes, view, at, create)
      }
    }
  }
  return at
}
