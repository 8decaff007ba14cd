import { fingerprintHex } from '@plimsoll/contracts/crc64.ts'
import { incompatibilities } from './compatibility.ts'
import type { SchemaRepository } from './repository.ts'

/**
 * Each current schema against every schema ever published under its name, in both directions; and that nothing
 * published is gone or was changed. One sentence per violation.
 */
export function brokenPromises({ current, history }: SchemaRepository): string[] {
  const problems: string[] = []
  for (const file of current) {
    for (const old of history) {
      if (old.type !== file.type) continue
      for (const problem of incompatibilities(old.schema, file.schema)) {
        problems.push(
          `${file.type} breaks ${fingerprintHex(old.fingerprint)}: ${problem}; make it a new version instead`,
        )
      }
    }
  }
  const types = new Set(current.map((file) => file.type))
  for (const old of history) {
    if (!types.has(old.type))
      problems.push(`${old.type} was published and has no current schema: old messages need one`)
    const place = `${old.type}/${fingerprintHex(old.fingerprint)}.avsc`
    if (!old.path.endsWith(`/${place}`)) {
      problems.push(`${old.path} should be ${place}: the history is only ever added to, by \`publish\``)
    }
  }
  return problems
}

/** Current schemas whose fingerprint the history does not have yet. */
export function unpublished({ current, history }: SchemaRepository): string[] {
  const known = new Set(history.map((old) => `${old.type} ${old.fingerprint}`))
  return current
    .filter((file) => !known.has(`${file.type} ${file.fingerprint}`))
    .map((file) => `${file.type} ${fingerprintHex(file.fingerprint)} is not published: npm run contracts -- publish`)
}
