import { deploymentFact } from './deployment.ts'
import { type DeploymentValue, type Fact, ignored, type Mapped, mapped, type Reception } from './fact.ts'
import { type Parsed, parse, type Shape } from './shape.ts'

/**
 * A GitLab webhook body: a deployment event, or a pipeline event, whose jobs with an environment are deployments.
 * GitLab calls the job of a deployment `deployable_id`, so a project that sends both kinds still states each
 * deployment under one id. Source: GitLab's webhook events reference.
 */
export function gitlabEvent(body: unknown, reception: Reception): Parsed<Mapped> {
  return parse(body, (payload) => {
    const kind = payload.text('object_kind')
    switch (kind) {
      case 'deployment':
        return deployment(payload, reception)
      case 'pipeline':
        return pipeline(payload, reception)
      default:
        return ignored(kind, 'only deployment and pipeline events state deployments')
    }
  })
}

const statuses: Readonly<Record<string, DeploymentValue['status']>> = {
  running: 'started',
  success: 'succeeded',
  failed: 'failed',
}

function deployment(payload: Shape, reception: Reception): Mapped {
  const state = payload.text('status')
  const status = statuses[state]
  const project = payload.inner('project')
  const fact = deploymentFact(
    {
      deploymentId: `gitlab:${project.text('path_with_namespace')}:job:${payload.id('deployable_id')}`,
      sender: 'gitlab',
      service: reception.service || project.text('name'),
      environment: payload.textOr('environment', reception.environment),
      release: payload.textOr('ref', '') || payload.text('short_sha'),
      status: status ?? 'started',
      occurredAt: payload.time('status_changed_at'),
      commit: payload.textOr('short_sha', ''),
      url: payload.textOr('deployable_url', ''),
      actor: payload.innerOr('user')?.textOr('username', '') ?? '',
    },
    reception,
  )
  return status === undefined ? ignored('deployment', `nothing is deployed yet or any more: ${state}`) : mapped([fact])
}

function pipeline(payload: Shape, reception: Reception): Mapped {
  const facts = payload.listOr('builds').flatMap((job) => jobDeployment(job, payload, reception))
  return facts.length > 0 ? mapped(facts) : ignored('pipeline', 'no job with an environment has begun or ended')
}

function jobDeployment(job: Shape, payload: Shape, reception: Reception): readonly Fact[] {
  const status = statuses[job.text('status')]
  const environment = job.innerOr('environment')
  // The other actions (stop, prepare, verify, access) touch an environment without deploying to it.
  if (status === undefined || environment === undefined || environment.textOr('action', 'start') !== 'start') return []
  const project = payload.inner('project')
  const run = payload.inner('object_attributes')
  return [
    deploymentFact(
      {
        deploymentId: `gitlab:${project.text('path_with_namespace')}:job:${job.id('id')}`,
        sender: 'gitlab',
        service: reception.service || project.text('name'),
        environment: environment.text('name'),
        release: run.textOr('ref', '') || run.text('sha'),
        status,
        occurredAt: status === 'started' ? job.time('started_at') : job.time('finished_at'),
        commit: run.textOr('sha', ''),
        url: run.textOr('url', ''),
        actor: payload.innerOr('user')?.textOr('username', '') ?? '',
      },
      reception,
    ),
  ]
}
