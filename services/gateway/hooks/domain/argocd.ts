import { deploymentFact } from './deployment.ts'
import { type DeploymentValue, environmentOf, ignored, type Mapped, mapped, type Reception } from './fact.ts'
import { type Parsed, parse, type Shape } from './shape.ts'

/**
 * An Argo CD `Application`, alone or under `app`, as its notifications send it with the template in
 * `deploy/argocd/notifications.yaml`. One sync operation is one deployment.
 */
export function argocdApplication(body: unknown, reception: Reception): Parsed<Mapped> {
  return parse(body, (message) => application(message.innerOr('app') ?? message, reception))
}

const phases: Readonly<Record<string, DeploymentValue['status']>> = {
  Running: 'started',
  Succeeded: 'succeeded',
  Failed: 'failed',
  Error: 'failed',
}

function application(app: Shape, reception: Reception): Mapped {
  const metadata = app.inner('metadata')
  const operation = app.inner('status').innerOr('operationState')
  if (operation === undefined) return ignored('application', 'it was never synchronised')
  const phase = operation.text('phase')
  const status = phases[phase]
  if (status === undefined) return ignored('application', `the synchronisation is neither running nor done: ${phase}`)
  const labels = metadata.texts('labels')
  const startedAt = operation.time('startedAt')
  const name = metadata.text('name')
  const revision = revisionOf(operation)
  return mapped([
    deploymentFact(
      {
        deploymentId: `argocd:${metadata.textOr('namespace', '')}/${name}:${startedAt}`,
        sender: 'argocd',
        service: labels['app.kubernetes.io/name'] || reception.service || name,
        environment:
          environmentOf(labels) ||
          reception.environment ||
          (app.innerOr('spec')?.innerOr('destination')?.textOr('namespace', '') ?? ''),
        release: labels['app.kubernetes.io/version'] || revision,
        status,
        occurredAt: status === 'started' ? startedAt : operation.time('finishedAt'),
        commit: revision,
        url: '',
        actor: operation.innerOr('operation')?.innerOr('initiatedBy')?.textOr('username', '') ?? '',
      },
      reception,
    ),
  ])
}

/** What was synchronised: the result names it once there is one, the request before that. */
function revisionOf(operation: Shape): string {
  const result = operation.innerOr('syncResult')?.textOr('revision', '') ?? ''
  return result || (operation.innerOr('operation')?.innerOr('sync')?.textOr('revision', '') ?? '')
}
