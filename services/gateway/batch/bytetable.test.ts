import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createByteTable } from './bytetable.ts'

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

it('numbers keys as a Map of their text would, whatever the order they come in', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 3_000 }), (keys) => {
      const table = createByteTable(1)
      const reference = new Map<string, number>()
      for (const key of keys) {
        const text = Buffer.from(key).toString('latin1')
        expect(table.find(key, viewOf(key), 0, key.length)).toBe(reference.get(text) ?? -1)
        expect(table.findNext(key, viewOf(key), 0, key.length)).toBe(reference.get(text) ?? -1)
        if (!reference.has(text)) reference.set(text, reference.size)
        expect(table.intern(key, viewOf(key), 0, key.length)).toBe(reference.get(text))
      }
      expect(table.size).toBe(reference.size)
      for (const [text, index] of reference) {
        const stored = table.arena().subarray(table.start(index), table.end(index))
        expect(Buffer.from(stored).toString('latin1')).toBe(text)
      }
    }),
    { numRuns: 30 },
  )
})
