import { type DeploymentValue, type Fact, identity, type Mapped, mapped, type Reception } from './fact.ts'
import { type Parsed, parse, type Shape } from './shape.ts'

export type StatedDeployment = Omit<DeploymentValue, 'source' | 'receivedAt'>

/**
 * A deployment's fact. Its lane is that of (environment, service), so a sender that can state neither has to be told
 * apart by the hook's address; see `Reception`.
 */
export function deploymentFact(stated: StatedDeployment, reception: Reception): Fact {
  const { deploymentId, status, occurredAt } = stated
  return {
    type: 'plimsoll.incident.v1.DeploymentRecorded',
    id: `deployment.${identity([deploymentId])}.${status}.${occurredAt}`,
    time: occurredAt,
    value: { ...stated, source: reception.source, receivedAt: reception.receivedAt },
  }
}

/** The body of `POST /v1/gateway/deployments`: the plain form, for pipelines that call with curl. */
export function plainDeployment(body: unknown, reception: Reception): Parsed<Mapped> {
  return parse(body, (deployment) => mapped([readPlainDeployment(deployment, reception)]))
}

/**
 * `service` and `release` are required; `environment` may come from the hook's address; `status` is `succeeded` and
 * `occurredAt` is now where they are left out. Without an `id` the deployment is (service, environment, release).
 */
export function readPlainDeployment(deployment: Shape, reception: Reception): Fact {
  const service = deployment.textOr('service', reception.service) || deployment.text('service')
  const environment = deployment.textOr('environment', reception.environment)
  const release = deployment.text('release')
  const status = deployment.textOr('status', 'succeeded')
  if (!isStatus(status)) deployment.refuse('status', '"started", "succeeded" or "failed"')
  return deploymentFact(
    {
      deploymentId: deployment.idOr('id', '') || `api:${identity([service, environment, release])}`,
      sender: 'api',
      service,
      environment,
      release,
      status: isStatus(status) ? status : 'succeeded',
      occurredAt: deployment.timeOr('occurredAt') ?? reception.receivedAt,
      commit: deployment.textOr('commit', ''),
      url: deployment.textOr('url', ''),
      actor: deployment.textOr('actor', ''),
    },
    reception,
  )
}

const isStatus = (text: string): text is DeploymentValue['status'] =>
  text === 'started' || text === 'succeeded' || text === 'failed'
