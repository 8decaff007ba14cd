import { describe, expect, test } from 'vitest'
import { argocdApplication } from './argocd.ts'
import { plainDeployment } from './deployment.ts'
import type { Fact, Mapped } from './fact.ts'
import { githubEvent } from './github.ts'
import { gitlabEvent } from './gitlab.ts'
import type { Parsed } from './shape.ts'

const reception = { source: 'ci', receivedAt: Date.UTC(2026, 10, 23, 12), service: '', environment: '' }

function only(parsed: Parsed<Mapped>): Fact['value'] {
  if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.problems))
  const [fact, ...others] = parsed.value.facts
  if (fact === undefined || others.length > 0) throw new Error(`not one fact: ${JSON.stringify(parsed.value)}`)
  return fact.value
}

const ignoredOf = (parsed: Parsed<Mapped>) => (parsed.kind === 'read' ? parsed.value.ignored : [])
const fieldsOf = (parsed: Parsed<Mapped>) =>
  parsed.kind === 'refused' ? parsed.problems.map(({ field }) => field) : []

describe('GitHub', () => {
  const repository = { name: 'shop', full_name: 'acme/shop' }
  const status = (state: string, at: string) => ({
    action: 'created',
    deployment: { id: 42, sha: 'a1b2c3', ref: 'v1.4.0', environment: 'production', task: 'deploy' },
    deployment_status: { id: 7, state, updated_at: at, target_url: 'https://ci/7', creator: { login: 'ada' } },
    repository,
  })

  test('a deployment goes from started to succeeded under one id', () => {
    const started = only(githubEvent('deployment_status', status('in_progress', '2026-11-23T10:00:00Z'), reception))
    const ended = only(githubEvent('deployment_status', status('success', '2026-11-23T10:03:00Z'), reception))
    expect(started).toMatchObject({ status: 'started', service: 'shop', environment: 'production', release: 'v1.4.0' })
    expect(ended).toEqual({ ...started, status: 'succeeded', occurredAt: Date.parse('2026-11-23T10:03:00Z') })
  })

  test.each(['failure', 'error'])('%s is failed', (state) => {
    const fact = only(githubEvent('deployment_status', status(state, '2026-11-23T10:00:00Z'), reception))
    expect(fact.status).toBe('failed')
  })

  test.each(['queued', 'pending', 'waiting', 'inactive'])('%s deploys nothing', (state) => {
    expect(ignoredOf(githubEvent('deployment_status', status(state, '2026-11-23T10:00:00Z'), reception))).toHaveLength(
      1,
    )
  })

  test('a published release; the other actions of a release say nothing new', () => {
    const body = {
      action: 'published',
      release: { id: 9, tag_name: 'v2', published_at: '2026-11-23T09:00:00Z', author: { login: 'ada' } },
      repository,
    }
    expect(only(githubEvent('release', body, { ...reception, environment: 'production' }))).toMatchObject({
      release: 'v2',
      environment: 'production',
      actor: 'ada',
    })
    expect(ignoredOf(githubEvent('release', { ...body, action: 'released' }, reception))).toHaveLength(1)
  })

  test('a workflow counts when its name says that it deploys; a second attempt is another deployment', () => {
    const run = (name: string, attempt: number) => ({
      action: 'completed',
      workflow_run: {
        id: 5,
        run_attempt: attempt,
        name,
        head_sha: 'abc',
        conclusion: 'success',
        run_started_at: '2026-11-23T09:00:00Z',
        updated_at: '2026-11-23T09:05:00Z',
      },
      repository,
    })
    const first = only(githubEvent('workflow_run', run('Deploy to production', 1), reception))
    const second = only(githubEvent('workflow_run', run('Deploy to production', 2), reception))
    expect(first).toMatchObject({ status: 'succeeded', occurredAt: Date.parse('2026-11-23T09:05:00Z') })
    expect(second).not.toEqual(first)
    expect(ignoredOf(githubEvent('workflow_run', run('Unit tests', 1), reception))).toHaveLength(1)
  })

  test('other events are ignored, broken ones refused with every field', () => {
    expect(ignoredOf(githubEvent('push', {}, reception))).toHaveLength(1)
    expect(fieldsOf(githubEvent('deployment_status', {}, reception))).toEqual([
      '/deployment',
      '/deployment_status',
      '/repository',
    ])
  })
})

describe('GitLab', () => {
  const project = { name: 'shop', path_with_namespace: 'acme/shop' }
  const user = { username: 'ada' }
  const deployment = {
    object_kind: 'deployment',
    status: 'success',
    status_changed_at: '2026-11-23 11:03:00 +0100',
    deployment_id: 15,
    deployable_id: 796,
    deployable_url: 'https://gitlab/796',
    environment: 'staging',
    project,
    short_sha: '279484c0',
    ref: 'main',
    user,
  }
  const pipeline = {
    object_kind: 'pipeline',
    object_attributes: { id: 31, ref: 'main', sha: '279484c09fbe', status: 'success', url: 'https://gitlab/31' },
    project,
    user,
    builds: [
      { id: 795, name: 'test', status: 'success', environment: null, started_at: null, finished_at: null },
      {
        id: 796,
        name: 'ship',
        status: 'success',
        started_at: '2026-11-23 10:01:00 UTC',
        finished_at: '2026-11-23 10:03:00 UTC',
        environment: { name: 'staging', action: 'start', deployment_tier: 'staging' },
      },
      {
        id: 797,
        name: 'stop review',
        status: 'success',
        started_at: '2026-11-23 10:01:00 UTC',
        finished_at: '2026-11-23 10:03:00 UTC',
        environment: { name: 'review/1', action: 'stop' },
      },
    ],
  }

  test('its deployment event', () => {
    expect(only(gitlabEvent(deployment, reception))).toMatchObject({
      service: 'shop',
      environment: 'staging',
      status: 'succeeded',
      occurredAt: Date.parse('2026-11-23T10:03:00Z'),
      actor: 'ada',
    })
  })

  test('a pipeline states the same deployment under the same id, once, for the job that deploys', () => {
    expect(only(gitlabEvent(pipeline, reception))).toMatchObject({
      deploymentId: (only(gitlabEvent(deployment, reception)) as { deploymentId: string }).deploymentId,
      environment: 'staging',
      occurredAt: Date.parse('2026-11-23T10:03:00Z'),
    })
  })

  test('what deploys nothing is ignored', () => {
    expect(ignoredOf(gitlabEvent({ ...deployment, status: 'canceled' }, reception))).toHaveLength(1)
    expect(ignoredOf(gitlabEvent({ ...pipeline, builds: [] }, reception))).toHaveLength(1)
    expect(ignoredOf(gitlabEvent({ object_kind: 'push' }, reception))).toHaveLength(1)
  })
})

describe('Argo CD', () => {
  const application = (phase: string, finishedAt?: string) => ({
    metadata: { name: 'shop-prod', namespace: 'argocd', labels: { 'app.kubernetes.io/name': 'shop' } },
    spec: { destination: { namespace: 'prod', server: 'https://kubernetes.default.svc' } },
    status: {
      sync: { status: 'Synced', revision: 'abc' },
      operationState: {
        phase,
        startedAt: '2026-11-23T10:00:00Z',
        finishedAt,
        operation: { sync: { revision: 'abc' }, initiatedBy: { username: 'ada' } },
        ...(finishedAt === undefined ? {} : { syncResult: { revision: 'abc' } }),
      },
    },
  })

  test('one synchronisation is one deployment, alone or under "app"', () => {
    const started = only(argocdApplication({ app: application('Running') }, reception))
    const ended = only(argocdApplication(application('Succeeded', '2026-11-23T10:02:00Z'), reception))
    expect(started).toMatchObject({ service: 'shop', environment: 'prod', release: 'abc', status: 'started' })
    expect(ended).toEqual({ ...started, status: 'succeeded', occurredAt: Date.parse('2026-11-23T10:02:00Z') })
  })

  test.each(['Failed', 'Error'])('%s is failed', (phase) => {
    expect(only(argocdApplication(application(phase, '2026-11-23T10:02:00Z'), reception)).status).toBe('failed')
  })

  test('one that was never synchronised, or is being stopped, states nothing', () => {
    expect(ignoredOf(argocdApplication({ metadata: { name: 'x' }, status: {} }, reception))).toHaveLength(1)
    expect(ignoredOf(argocdApplication(application('Terminating'), reception))).toHaveLength(1)
  })
})

describe('the plain form', () => {
  test('service and release are enough', () => {
    expect(only(plainDeployment({ service: 'shop', release: '1.4.0' }, reception))).toMatchObject({
      service: 'shop',
      status: 'succeeded',
      occurredAt: reception.receivedAt,
    })
  })

  test('what is missing or wrong is named', () => {
    expect(fieldsOf(plainDeployment({ status: 'done', occurredAt: 'now' }, reception))).toEqual([
      '/service',
      '/release',
      '/status',
      '/occurredAt',
    ])
  })
})
