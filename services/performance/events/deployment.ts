/** DeploymentRecorded -> suspects for what changes soon after. */

import { decodeEvent } from '@plimsoll/contracts/events.ts'
import type { Processor } from '@plimsoll/kit/lanes/processor.ts'
import { saveDeployments } from '../store/deployments.ts'

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
    return { write: (tx) => saveDeployments(tx, deployments) }
  },
}
