import { deploymentFact } from './deployment.ts'
import { type DeploymentValue, ignored, type Mapped, mapped, type Reception } from './fact.ts'
import { type Parsed, parse, type Shape } from './shape.ts'

/**
 * A GitHub webhook body; `event` is its `X-GitHub-Event` header.
 *
 * - `deployment_status`: the state of a deployment made through GitHub's deployments API or an environment.
 * - `release`: a release that went public; its environment is not stated by GitHub.
 * - `workflow_run`: a run of a workflow whose name says that it deploys; most runs are tests.
 *
 * Source: GitHub's webhook events and payloads reference.
 */
export function githubEvent(event: string, body: unknown, reception: Reception): Parsed<Mapped> {
  return parse(body, (payload) => {
    switch (event) {
      case 'deployment_status':
        return deploymentStatus(payload, reception)
      case 'release':
        return release(payload, reception)
      case 'workflow_run':
        return workflowRun(payload, reception)
      case 'ping':
        return ignored('ping', 'GitHub only checks the address')
      default:
        return ignored(event, 'only deployment_status, release and workflow_run state deployments')
    }
  })
}

function deploymentStatus(payload: Shape, reception: Reception): Mapped {
  const deployment = payload.inner('deployment')
  const report = payload.inner('deployment_status')
  const repository = payload.inner('repository')
  const state = report.text('state')
  const status = deploymentStates[state]
  const at = report.timeOr('updated_at') ?? report.time('created_at')
  const fact = deploymentFact(
    {
      deploymentId: `github:${repository.text('full_name')}:deployment:${deployment.id('id')}`,
      sender: 'github',
      service: reception.service || repository.text('name'),
      environment: deployment.textOr('environment', reception.environment),
      release: deployment.textOr('ref', '') || deployment.text('sha'),
      status: status ?? 'started',
      occurredAt: at,
      commit: deployment.textOr('sha', ''),
      url: report.textOr('target_url', '') || report.textOr('log_url', ''),
      actor: report.innerOr('creator')?.textOr('login', '') ?? '',
    },
    reception,
  )
  return status === undefined
    ? ignored('deployment_status', `nothing is deployed yet or any more: ${state}`)
    : mapped([fact])
}

const deploymentStates: Readonly<Record<string, DeploymentValue['status']>> = {
  in_progress: 'started',
  success: 'succeeded',
  failure: 'failed',
  error: 'failed',
}

function release(payload: Shape, reception: Reception): Mapped {
  const action = payload.text('action')
  // GitHub sends `published` and then `released` for one full release; a pre-release sends only `published`.
  if (action !== 'published') return ignored('release', `only "published" makes a release public: ${action}`)
  const made = payload.inner('release')
  const repository = payload.inner('repository')
  return mapped([
    deploymentFact(
      {
        deploymentId: `github:${repository.text('full_name')}:release:${made.id('id')}`,
        sender: 'github',
        service: reception.service || repository.text('name'),
        environment: reception.environment,
        release: made.text('tag_name'),
        status: 'succeeded',
        occurredAt: made.time('published_at'),
        commit: made.textOr('target_commitish', ''),
        url: made.textOr('html_url', ''),
        actor: made.innerOr('author')?.textOr('login', '') ?? '',
      },
      reception,
    ),
  ])
}

const deploys = /deploy|release|rollout/i

function workflowRun(payload: Shape, reception: Reception): Mapped {
  const run = payload.inner('workflow_run')
  const repository = payload.inner('repository')
  const name = run.textOr('name', '')
  if (!deploys.test(name)) return ignored('workflow_run', `"${name}" does not say deploy, release or rollout`)
  const status = runStatus(payload.text('action'), run.textOr('conclusion', ''))
  if (status === undefined) return ignored('workflow_run', 'it has not begun, or ended without deploying')
  const attempt = run.idOr('run_attempt', '1')
  return mapped([
    deploymentFact(
      {
        deploymentId: `github:${repository.text('full_name')}:run:${run.id('id')}:${attempt}`,
        sender: 'github',
        service: reception.service || repository.text('name'),
        environment: reception.environment,
        release: run.text('head_sha'),
        status,
        occurredAt: status === 'started' ? run.time('run_started_at') : run.time('updated_at'),
        commit: run.textOr('head_sha', ''),
        url: run.textOr('html_url', ''),
        actor: run.innerOr('actor')?.textOr('login', '') ?? '',
      },
      reception,
    ),
  ])
}

function runStatus(action: string, conclusion: string): DeploymentValue['status'] | undefined {
  if (action === 'in_progress') return 'started'
  if (action !== 'completed') return undefined
  if (conclusion === 'success') return 'succeeded'
  return conclusion === 'failure' || conclusion === 'timed_out' ? 'failed' : undefined
}
