import { packColumn } from '../columns.ts'
import { createStringTableBuilder } from '../strings.ts'

export const f64 = (...values: number[]) => packColumn(Float64Array.from(values))
export const u32 = (...values: number[]) => packColumn(Uint32Array.from(values))
export const i32 = (...values: number[]) => packColumn(Int32Array.from(values))
export const u16 = (...values: number[]) => packColumn(Uint16Array.from(values))
export const u64 = (...values: bigint[]) => packColumn(BigUint64Array.from(values))
export const i8 = (...values: number[]) => packColumn(Int8Array.from(values))
export const u8 = (...values: number[]) => Uint8Array.from(values)
/** A column that is left out. */
export const NONE = new Uint8Array(0)

/** Fills a batch's string table while its columns name their strings. */
export function withStrings<T>(
  fill: (ref: (text: string) => number) => T,
): T & { readonly stringBytes: Uint8Array; readonly stringEnds: Uint8Array } {
  const strings = createStringTableBuilder()
  const columns = fill((text) => strings.intern(text))
  return { ...columns, stringBytes: strings.stringBytes().slice(), stringEnds: strings.stringEnds().slice() }
}
