import { AppError, appError, type ErrorCode, isTransient } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { accept } from './accept.ts'
import type { HookConfig } from './config.ts'
import { alertmanagerApi, alertmanagerWebhook } from './domain/alertmanager.ts'
import { argocdApplication } from './domain/argocd.ts'
import { cloudEvent, cloudEventBatch, cloudEventTypes } from './domain/cloudevent.ts'
import { plainDeployment } from './domain/deployment.ts'
import { cloudEventMode, fromBinary } from './domain/envelope.ts'
import type { Mapped, Reception } from './domain/fact.ts'
import { githubEvent } from './domain/github.ts'
import { gitlabEvent } from './domain/gitlab.ts'
import type { Parsed } from './domain/shape.ts'
import { cloudEventHandshake } from './handshake.ts'
import { jsonBody, rawBody, receptionOf } from './request.ts'
import { signedByGithub, signedByGitlab } from './signature.ts'

/** Where the hooks count what they took and refused, for `GET /v1/gateway/sources`. */
export type HookCounts = {
  accepted(source: string, protocol: string, events: number): void
  refused(source: string, protocol: string, reason: ErrorCode | 'ignored', events: number): void
}

export type HookOptions = {
  readonly counts: HookCounts
  /** What a caller must be allowed to do, but for hooks whose sender signs instead. */
  readonly permission: string
}

type Hook = {
  readonly url: string
  readonly protocol: string
  readonly summary: string
  readonly description: string
  /** 202 unless the protocol says otherwise. */
  readonly status?: 200
  /** Where set, it stands for credentials: throws `unauthenticated` unless the sender proved that it knows the secret. */
  readonly verify?: (request: FastifyRequest) => void
  readonly read: (request: FastifyRequest, reception: Reception) => Parsed<Mapped>
}

/**
 * Alerts and deployments in, as their senders already send them. Each answers after the broker's ack, with a receipt;
 * a body is stored whole or not at all.
 */
export function hookRoutes(context: ServiceContext<HookConfig>, options: HookOptions): readonly Route[] {
  return [...hooks(context.config).map((hook) => hookRoute(hook, context, options)), cloudEventHandshake('/events')]
}

function hooks({
  GATEWAY_GITHUB_WEBHOOK_SECRET: secret,
  GATEWAY_GITLAB_WEBHOOK_TOKEN: token,
}: HookConfig): readonly Hook[] {
  return [
    {
      url: '/hooks/alertmanager',
      protocol: 'alertmanager-webhook',
      summary: 'Alerts from the webhook receiver of an Alertmanager',
      description: 'Version "4" of the webhook. A repeat of a group changes nothing.',
      read: (request, reception) => alertmanagerWebhook(jsonBody(request), reception),
    },
    {
      url: '/api/v2/alerts',
      protocol: 'alertmanager-api',
      summary: 'Alerts from Prometheus, vmalert or the Mimir ruler, as if this were an Alertmanager',
      description: 'Alertmanager API v2. Name this server as one more target under `alerting.alertmanagers`.',
      // What the API says; amtool takes any other code for a failure.
      status: 200,
      read: (request, reception) => alertmanagerApi(jsonBody(request), reception),
    },
    {
      url: '/hooks/github',
      protocol: 'github',
      summary: 'Deployments from a GitHub webhook',
      description: 'Events deployment_status, release and workflow_run; others are ignored and said to be.',
      ...(secret === undefined ? {} : { verify: githubSignature(secret) }),
      read: (request, reception) => githubEvent(githubEventName(request), jsonBody(request), reception),
    },
    {
      url: '/hooks/gitlab',
      protocol: 'gitlab',
      summary: 'Deployments from a GitLab webhook',
      description: 'Deployment events and pipeline events; others are ignored and said to be.',
      ...(token === undefined ? {} : { verify: gitlabToken(token) }),
      read: (request, reception) => gitlabEvent(jsonBody(request), reception),
    },
    {
      url: '/hooks/argocd',
      protocol: 'argocd',
      summary: 'Deployments from Argo CD notifications',
      description: 'The Application as JSON, alone or under "app": `{{toJson .app}}` in the notification template.',
      read: (request, reception) => argocdApplication(jsonBody(request), reception),
    },
    {
      url: '/v1/gateway/deployments',
      protocol: 'deployment',
      summary: 'A deployment, stated plainly',
      description:
        '`{ "service", "environment", "release", "status": "started|succeeded|failed", "occurredAt", "id", "commit", "url", "actor" }`; service and release are required.',
      read: (request, reception) => plainDeployment(jsonBody(request), reception),
    },
    {
      url: '/events',
      protocol: 'cloudevents',
      summary: 'CloudEvents over HTTP: structured, binary or batch',
      description: `Types: ${cloudEventTypes.join(', ')}. A batch is stored whole or not at all.`,
      read: readCloudEvents,
    },
  ]
}

function hookRoute(hook: Hook, context: ServiceContext<HookConfig>, { counts, permission }: HookOptions): Route {
  const { protocol, verify, status = 202 } = hook
  return {
    method: 'POST',
    url: hook.url,
    // GitHub and GitLab cannot send our credentials, only prove that they know the webhook's secret.
    permission: verify === undefined ? permission : 'public',
    schema: {
      summary: hook.summary,
      description: hook.description,
      querystring: hookQuery,
      response: { [status]: receipt },
    },
    body: 'raw',
    bodyLimitBytes: 4 * 1024 * 1024,
    async handler(request, reply, principal) {
      const source = verify === undefined ? principal.name : protocol
      try {
        verify?.(request)
        const parsed = hook.read(request, receptionOf(request, source, context.clock.now()))
        const stored = await accept(parsed, source, context.log)
        counts.accepted(source, protocol, stored.accepted)
        if (stored.ignored.length > 0) counts.refused(source, protocol, 'ignored', stored.ignored.length)
        return reply.code(status).send(stored)
      } catch (error) {
        if (!isTransient(error)) counts.refused(source, protocol, reasonOf(error), 1)
        throw error
      }
    },
  }
}

const reasonOf = (error: unknown): ErrorCode => (error instanceof AppError ? error.code : 'internal')

const hookQuery = Type.Object(
  {
    service: Type.Optional(Type.String({ description: 'Service, where the sender does not state it.' })),
    environment: Type.Optional(Type.String({ description: 'Environment, where the sender does not state it.' })),
  },
  // Senders add parameters of their own.
  { additionalProperties: true },
)

const receipt = Type.Object(
  {
    accepted: Type.Integer({ description: 'Facts stored by this request.' }),
    repeated: Type.Integer({ description: 'Facts that were stored before.' }),
    ignored: Type.Array(Type.Object({ what: Type.String(), reason: Type.String() }), {
      description: 'Well formed, but stating nothing that is stored.',
    }),
  },
  { description: 'Durable when it is sent.' },
)

const githubSignature = (secret: string) => (request: FastifyRequest) => {
  if (signedByGithub(rawBody(request), request.headers['x-hub-signature-256'], secret)) return
  throw appError(
    'unauthenticated',
    'X-Hub-Signature-256 does not fit the body: set the same secret at GitHub and here.',
  )
}

const gitlabToken = (token: string) => (request: FastifyRequest) => {
  if (signedByGitlab(request.headers['x-gitlab-token'], token)) return
  throw appError('unauthenticated', 'X-Gitlab-Token is not the token set here: set the same one on both sides.')
}

function githubEventName(request: FastifyRequest): string {
  const name = request.headers['x-github-event']
  if (typeof name === 'string' && name !== '') return name
  throw appError('bad-request', 'The header X-GitHub-Event is missing: is this a webhook of GitHub?')
}

function readCloudEvents(request: FastifyRequest, reception: Reception): Parsed<Mapped> {
  switch (cloudEventMode(request.headers)) {
    case 'structured':
      return cloudEvent(jsonBody(request), reception)
    case 'batch':
      return cloudEventBatch(jsonBody(request), reception)
    case 'binary':
      return cloudEvent(fromBinary(request.headers, { data: jsonBody(request) }), reception)
    case undefined:
      throw appError(
        'unsupported-media-type',
        'This is no CloudEvent: send application/cloudevents+json, application/cloudevents-batch+json, or the ce-* headers.',
      )
  }
}
