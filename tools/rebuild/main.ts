import { parseArgs } from 'node:util'
import { roleDatabase } from '@plimsoll/kit/db/pool.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { applyRebuild, planRebuild, type RebuildOptions } from '@plimsoll/kit/lanes/rebuild.ts'
import { runCommand } from '../command.ts'
import { serverOptions, serverUrls, serverUsage } from '../servers.ts'

const USAGE = `npm run rebuild -- <service> <processor> --from checkpoint|start [options]

  --from checkpoint   lets halted lanes go on where they are: after what halted them was put right
  --from start        reads the stream again from its first message: after the stream was made again, or for a rebuild

  --version N         of the processor, 1 when left out
  --lane N            that lane only
  --empty a,b         with --from start: first empties these tables, all that the processor alone has written
  --yes               does it; without it only says what it would do

${serverUsage}`

type Arguments = RebuildOptions & { readonly service: string; readonly url: string; readonly yes: boolean }

async function readArguments(argv: readonly string[]): Promise<Arguments> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      version: { type: 'string', default: '1' },
      lane: { type: 'string' },
      empty: { type: 'string', default: '' },
      yes: { type: 'boolean', default: false },
      ...serverOptions,
    },
  })
  const [service, processor, ...rest] = positionals
  const { from } = values
  if (!service || !processor || rest.length > 0) throw appError('bad-request', 'Say which service and which processor.')
  if (from !== 'checkpoint' && from !== 'start') throw appError('bad-request', 'Say --from checkpoint or --from start.')
  const { database } = await serverUrls(values, ['database'])
  return {
    service,
    processor,
    from,
    version: wholeNumber('--version', values.version),
    lane: values.lane === undefined ? undefined : wholeNumber('--lane', values.lane),
    emptyTables: values.empty.split(',').filter((table) => table !== ''),
    url: database,
    yes: values.yes,
  }
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw appError('bad-request', `${option} must be a whole number, not "${text}".`)
}

async function run({ service, url, yes, ...options }: Arguments): Promise<void> {
  const db = roleDatabase<unknown>({ url, service, role: 'owner', connections: 1 })
  try {
    const plan = await planRebuild(db, options)
    for (const step of plan.steps) console.log(step)
    if (plan.steps.length === 0) console.log('nothing to do: no lane is halted')
    else if (!yes) console.log('\nnothing was done: add --yes to do it')
    else {
      await applyRebuild(db, plan)
      console.log('\ndone: the lanes start again within a second or two')
    }
  } finally {
    await db.destroy()
  }
}

await runCommand(USAGE, async () => run(await readArguments(process.argv.slice(2))))
