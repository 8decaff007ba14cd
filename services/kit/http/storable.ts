/**
 * Where in a value a text is that PostgreSQL cannot hold, neither as text nor within jsonb: one with a zero character, or
 * with half of a surrogate pair (its manual, section 8.14). A JSON pointer; undefined where there is none.
 * @example unstorableAt({ note: 'a\0' }) // '/note'
 */
export function unstorableAt(value: unknown, pointer = ''): string | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : pointer
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, part] of Object.entries(value)) {
    const at = isStorable(name) ? unstorableAt(part, `${pointer}/${name}`) : pointer
    if (at !== undefined) return at
  }
  return undefined
}

const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()
