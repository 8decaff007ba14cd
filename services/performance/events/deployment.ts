/** DeploymentRecorded -> suspects for what changes soon after. */

import { decodeEvent } from '@plimsoll/contracts/events.ts'
import type { Processor } from '@plimsoll/kit/lanes/processor.ts'
import { saveDeployments } from '../store/deployments.ts'
import { noticeReleased } from '../store/notices.ts'

const DEPLOYMENT = 'plimsoll.incident.v1.DeploymentRecorded'

export const deploymentProcessor: Processor<Record<string, never>> = {
  name: 'deployment',
  version: 1,
  stream: 'INCIDENT',
  types: [DEPLOYMENT],
  onPoison: 'skip',
  load: async () => ({}),
  handle(_state, batch) {
    const deployments = batch.flatMap((message) => {
      const event = decodeEvent(message.data)
      return event.type === DEPLOYMENT ? [event.value] : []
    })
    return {
      async write(tx) {
        await saveDeployments(tx, deployments)
        for (const { service, environment, release, status, occurredAt } of deployments) {
          if (status === 'started') await noticeReleased(tx, { service, environment, release, atMs: occurredAt })
        }
      },
    }
  },
}
