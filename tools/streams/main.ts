import { parseArgs } from 'node:util'
import { defaultLaneCount, maxLaneCount } from '@plimsoll/contracts/lane.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { openStreamAdmin, type StreamAdmin } from '@plimsoll/kit/log/streams.ts'
import { runCommand } from '../command.ts'
import { serverOptions, serverUrls, serverUsage } from '../servers.ts'
import { describeChange, type Plan, planStreams, replicasOf } from './plan.ts'

const USAGE = `npm run streams -- <command> [options]

  diff       shows what the broker's streams lack of their definitions; exits 1 when something does
  apply      makes them so; does nothing the second time

  --replicas N      1 or 3 (a cluster); without it streams keep what they have and new ones get 1
  --lanes N         of a broker without streams, 1 to 64 (16): how many workers may share them; never changed after
  --allow-shrink    also what makes the broker drop messages or forget ids sooner

${serverUsage}`

type Arguments = {
  readonly command: 'apply' | 'diff'
  readonly url: string
  readonly replicas: number | undefined
  readonly lanes: number
  readonly allowShrink: boolean
}

async function readArguments(argv: readonly string[]): Promise<Arguments> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      ...serverOptions,
      replicas: { type: 'string' },
      lanes: { type: 'string', default: String(defaultLaneCount) },
      'allow-shrink': { type: 'boolean', default: false },
    },
  })
  const [command, ...rest] = positionals
  if ((command !== 'apply' && command !== 'diff') || rest.length > 0)
    throw appError('bad-request', 'Say apply or diff.')
  const replicas = values.replicas === undefined ? undefined : Number(values.replicas)
  if (replicas !== undefined && ![1, 3, 5].includes(replicas)) {
    throw appError('bad-request', '--replicas must be 1, 3 or 5.')
  }
  const lanes = Number(values.lanes)
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > maxLaneCount) {
    throw appError('bad-request', `--lanes must be a whole number from 1 to ${maxLaneCount}.`)
  }
  const { nats } = await serverUrls(values, ['nats'])
  return { command, url: nats, replicas, lanes, allowShrink: values['allow-shrink'] }
}

async function run({ command, url, replicas, lanes, allowShrink }: Arguments): Promise<number> {
  const admin = await openStreamAdmin({ url, clientName: 'plimsoll-streams' })
  try {
    const actual = await admin.list()
    const plan = planStreams(actual, { replicas, lanes, allowShrink })
    for (const change of plan.changes) console.log(describeChange(change))
    for (const refusal of plan.refusals) console.error(`refused: ${refusal}`)
    if (plan.changes.length === 0) console.log('streams: nothing to do')
    if (command === 'diff') return plan.changes.length === 0 ? 0 : 1
    if (plan.refusals.length > 0) {
      console.error('streams: nothing was applied')
      return 1
    }
    await apply(admin, plan, (name) =>
      replicasOf(
        actual.find((stream) => stream.name === name),
        replicas,
      ),
    )
    return 0
  } finally {
    await admin.close()
  }
}

async function apply(admin: StreamAdmin, plan: Plan, replicasFor: (name: string) => number): Promise<void> {
  for (const definition of plan.create) await admin.create(definition, replicasFor(definition.name))
  for (const definition of plan.update) await admin.update(definition, replicasFor(definition.name))
  if (plan.changes.length > 0) console.log(`streams: ${plan.create.length} made, ${plan.update.length} changed`)
}

await runCommand(USAGE, async () => {
  process.exitCode = await run(await readArguments(process.argv.slice(2)))
})
