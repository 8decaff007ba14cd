/**
 * Plain state (numbers, short strings, typed arrays, records of these) <-> bytes. The shape is not stored: unpacking
 * writes into a freshly created state of the same shape, so a version byte in front must change with the shape.
 */

type Packed = Float64Array | Float32Array | Int16Array | Uint16Array | Uint32Array | Uint8Array
export type State = { [key: string]: State | Packed | number | string | undefined }

function isArray(value: unknown): value is Packed {
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
}

function sizeOf(state: State): number {
  let bytes = 0
  for (const value of Object.values(state)) {
    if (typeof value === 'number') bytes += 8
    else if (typeof value === 'string') bytes += 2 + new TextEncoder().encode(value).length
    else if (isArray(value)) bytes += value.byteLength
    else bytes += 1 + (value === undefined ? 0 : sizeOf(value))
  }
  return bytes
}

/** Bytes of a state behind a version byte. */
export function pack(state: State, version: number): Uint8Array {
  const bytes = new Uint8Array(1 + sizeOf(state))
  bytes[0] = version
  write(state, bytes, new DataView(bytes.buffer), 1)
  return bytes
}

function write(state: State, bytes: Uint8Array, view: DataView, from: number): number {
  let at = from
  for (const value of Object.values(state)) {
    if (typeof value === 'number') {
      view.setFloat64(at, value, true)
      at += 8
    } else if (typeof value === 'string') {
      const text = new TextEncoder().encode(value)
      view.setUint16(at, text.length, true)
      bytes.set(text, at + 2)
      at += 2 + text.length
    } else if (isArray(value)) {
      bytes.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), at)
      at += value.byteLength
    } else {
      bytes[at++] = value === undefined ? 0 : 1
      if (value !== undefined) at = write(value, bytes, view, at)
    }
  }
  return at
}

/**
 * Fills `state` from bytes. `create` makes the parts that are absent in a fresh state, by name. Throws RangeError when
 * the version differs or the bytes do not fit the shape.
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
  for (const [key, value] of Object.entries(state)) {
    if (typeof value === 'number') {
      state[key] = view.getFloat64(at, true)
      at += 8
    } else if (typeof value === 'string') {
      const length = view.getUint16(at, true)
      state[key] = new TextDecoder().decode(bytes.subarray(at + 2, at + 2 + length))
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
