import { relative } from 'node:path'
import { CONTRACTS_FOLDER, historyPath, readRepository, writeText } from './repository.ts'
import { generatedSources } from './sources.ts'

const USAGE = `npm run contracts -- <command>

  check      refuses what would break readers or writers of any published schema, files that drifted from
             the schemas, and events without stream, owner or example
  generate   writes contracts/generated/ and docs/reference/events.md from the schemas
  publish    adds the current schemas to contracts/avro/history, then generates
`

async function check(): Promise<number> {
  const { checkContracts } = await import('./check.ts')
  const problems = checkContracts(readRepository())
  for (const problem of problems) console.error(`- ${problem}`)
  console.log(problems.length === 0 ? 'contracts: all good' : `contracts: ${problems.length} problems`)
  return problems.length === 0 ? 0 : 1
}

/** In two steps: the reference page needs the codec, which needs the generated schemas. */
async function generate(): Promise<number> {
  const repository = readRepository()
  for (const { path, text } of generatedSources(repository)) writeText(path, text)
  const { catalogueProblems } = await import('./check.ts')
  const { generatedFiles } = await import('./generate.ts')
  const problems = catalogueProblems(repository)
  for (const problem of problems) console.error(`- ${problem}`)
  if (problems.length > 0) {
    console.error('contracts: wrote contracts/generated/, the reference page waits for the catalogue')
    return 1
  }
  for (const { path, text } of generatedFiles(repository)) {
    writeText(path, text)
    console.log(`wrote ${relative(`${CONTRACTS_FOLDER}/..`, path)}`)
  }
  return 0
}

async function publish(): Promise<number> {
  const { brokenPromises } = await import('./history.ts')
  const repository = readRepository()
  const broken = brokenPromises(repository)
  if (broken.length > 0) {
    for (const problem of broken) console.error(`- ${problem}`)
    return 1
  }
  const known = new Set(repository.history.map((file) => file.path))
  for (const file of repository.current) {
    const path = historyPath(file)
    if (known.has(path)) continue
    writeText(path, `${JSON.stringify(file.schema, null, 2)}\n`)
    console.log(`published ${relative(CONTRACTS_FOLDER, path)}`)
  }
  return generate()
}

const commands: Readonly<Record<string, () => Promise<number>>> = { check, generate, publish }
const command = commands[process.argv[2] ?? '']
if (command === undefined) {
  console.error(USAGE)
  process.exitCode = 2
} else {
  process.exitCode = await command()
}
