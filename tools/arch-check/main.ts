import { fileURLToPath } from 'node:url'
import { checkArchitecture } from './rules.ts'
import { readSources } from './sources.ts'

/** `node tools/arch-check/main.ts`: the dependency rule of architecture.md section 2 over the whole repository. */
const violations = checkArchitecture(readSources(fileURLToPath(new URL('../..', import.meta.url))))
for (const { file, line, problem } of violations) console.error(`${file}:${line} ${problem}`)
console.log(violations.length === 0 ? 'arch-check: all good' : `arch-check: ${violations.length} violations`)
process.exitCode = violations.length === 0 ? 0 : 1
