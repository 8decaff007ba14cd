import { ContractError } from './errors.ts'

/**
 * Packed columns: the `bytes` fields of batches viewed as typed arrays. The wire is little-endian whatever the machine.
 * Each view is without a copy when the bytes happen to be aligned for it, else over one aligned copy.
 */
if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
  throw new Error('columns are viewed in place and this machine is big-endian: run on a little-endian one')
}

/** @example f64Column(packColumn(Float64Array.of(1.5))) // Float64Array [1.5] */
export function f64Column(bytes: Uint8Array): Float64Array {
  const from = aligned(bytes, 8, 'f64-le')
  return new Float64Array(from.buffer, from.byteOffset, from.byteLength / 8)
}

export function u32Column(bytes: Uint8Array): Uint32Array {
  const from = aligned(bytes, 4, 'u32-le')
  return new Uint32Array(from.buffer, from.byteOffset, from.byteLength / 4)
}

export function i32Column(bytes: Uint8Array): Int32Array {
  const from = aligned(bytes, 4, 'i32-le')
  return new Int32Array(from.buffer, from.byteOffset, from.byteLength / 4)
}

export function u16Column(bytes: Uint8Array): Uint16Array {
  const from = aligned(bytes, 2, 'u16-le')
  return new Uint16Array(from.buffer, from.byteOffset, from.byteLength / 2)
}

export function u8Column(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function i8Column(bytes: Uint8Array): Int8Array {
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * 64-bit values as 2n numbers: value i is `pairs[2 * i] + pairs[2 * i + 1] * 2 ** 32`. Identities are compared, never
 * computed with, and BigUint64Array would allocate a bigint for each read.
 */
export function u64Column(bytes: Uint8Array): Uint32Array {
  const from = aligned(bytes, 8, 'u64-le', 4)
  return new Uint32Array(from.buffer, from.byteOffset, from.byteLength / 4)
}

/** The bytes of a typed array, without a copy: what a batch's `bytes` fields are filled with. */
export function packColumn(column: ArrayBufferView): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
}

function aligned(bytes: Uint8Array, width: number, format: string, alignment = width): Uint8Array {
  if (bytes.byteLength % width !== 0) {
    throw new ContractError(
      'contract.invalid',
      `a ${format} column has ${bytes.byteLength} bytes, no multiple of ${width}`,
    )
  }
  return bytes.byteOffset % alignment === 0 ? bytes : new Uint8Array(bytes)
}
