import { checkDashboards, generateDashboards } from './check.ts'

const USAGE = `npm run dashboards -- <command>

  check      refuses boards that break a rule, ask for metrics no service exports, or whose files drifted
  generate   writes dashboards/generated/ from the boards
`

async function check(): Promise<number> {
  const problems = await checkDashboards()
  for (const problem of problems) console.error(`- ${problem}`)
  console.log(problems.length === 0 ? 'dashboards: all good' : `dashboards: ${problems.length} problems`)
  return problems.length === 0 ? 0 : 1
}

async function generate(): Promise<number> {
  for (const name of generateDashboards()) console.log(`wrote dashboards/generated/${name}`)
  return 0
}

const commands: Readonly<Record<string, () => Promise<number>>> = { check, generate }
const command = commands[process.argv[2] ?? '']
if (command === undefined) {
  console.error(USAGE)
  process.exitCode = 2
} else {
  process.exitCode = await command()
}
