import type { EventValue } from '@plimsoll/contracts/events.ts'
import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'

type Deployment = EventValue<'plimsoll.incident.v1.DeploymentRecorded'>

/** The latest state of each deployment; its time is that of the first thing said of it. */
export async function saveDeployments(tx: WorkerTransaction, all: readonly Deployment[]): Promise<void> {
  const identity = (one: Deployment) => `${one.source}/${one.deploymentId}`
  const deployments = [...new Map(all.map((one) => [identity(one), one])).values()]
  const firstAt = new Map<string, number>()
  for (const one of all) {
    firstAt.set(identity(one), Math.min(firstAt.get(identity(one)) ?? Infinity, one.occurredAt))
  }
  const text = (name: string, of: (one: Deployment) => string) => ({
    name,
    type: 'text' as const,
    values: deployments.map(of),
  })
  await bulkUpsert(tx, {
    table: 'deployment',
    key: ['id'],
    onConflict: { status: 'excluded.status', at: 'least(deployment.at, excluded.at)', release: 'excluded.release' },
    columns: [
      text('id', identity),
      text('service', ({ service }) => service),
      text('environment', ({ environment }) => environment),
      text('release', ({ release }) => release),
      text('status', ({ status }) => status),
      {
        name: 'at',
        type: 'timestamptz',
        values: deployments.map((one) => firstAt.get(identity(one)) ?? one.occurredAt),
      },
      text('url', ({ url }) => url),
      text('commit', ({ commit }) => commit),
    ],
  })
}
