import { randomUUID } from 'node:crypto'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify'
import type { Logger } from 'pino'
import type { Authenticate } from '../auth/authenticate.ts'
import type { Principal } from '../auth/principal.ts'
import { appError, describeError } from '../errors.ts'
import type { Route } from '../service.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { answerUnchanged } from './etag.ts'
import { closeEventStreams } from './eventstream.ts'
import { addMethodRoutes } from './methods.ts'
import { orForeignCursor } from './paging.ts'
import { asAppError, problemContentType, problemOf, problemSchema } from './problems.ts'
import { readRawBody } from './rawbody.ts'
import { inRequestSpan } from './span.ts'
import { compileValidator } from './validation.ts'

export type ServiceRoutes = {
  readonly service: string
  readonly routes: readonly Route[]
  readonly permissions: Readonly<Record<string, string>>
}

export type HttpServerOptions = {
  readonly services: readonly ServiceRoutes[]
  /** Not asked for public routes. */
  readonly authenticate: Authenticate
  /** Rejects with `rate-limited`. */
  readonly limit: (principal: Principal) => Promise<void>
  readonly logger: Logger
  readonly metrics: Metrics
  readonly version: string
}

const defaultBodyLimitBytes = 1024 * 1024

/** Nobody in particular: who calls a public route. */
const anyone: Principal = { kind: 'local', name: 'public', permissions: new Set() }

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal
  }
}

/**
 * The HTTP server with every service's routes, `/docs`, problem documents and method handling; not yet listening.
 * Rejects (`configuration`) when a route names no permission its service declares.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { services, logger, metrics } = options
  for (const service of services) checkPermissions(service)
  const app: FastifyInstance = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // One line a request would drown the log under ingestion: failures are logged below, all are counted.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: defaultBodyLimitBytes,
    genReqId: requestId,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
  })
  app.decorateRequest('principal', null as unknown as Principal)
  app.setValidatorCompiler(({ schema, httpPart }) => compileValidator(schema as never, httpPart ?? 'body'))
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      appError('not-found', `There is nothing at ${pathOf(request)}. /docs lists what there is.`),
      request,
      reply,
    ),
  )
  app.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id))
  app.addHook('onSend', answerUnchanged)
  closeConnectionsWithServer(app)
  countRequests(app, metrics)

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Plimsoll',
        version: options.version,
        description: 'What a launched platform does, costs and needs.',
      },
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'An API key, or a JWT of the configured issuer.' },
        },
      },
      tags: services.map(({ service }) => ({ name: service })),
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  for (const service of services) await app.register(async (scope) => addService(scope, service, options))
  addMethodRoutes(
    app,
    services.flatMap(({ routes }) => routes),
  )
  await app.ready()
  return app
}

/** A shutdown ends event streams, and tells clients with a request under way not to keep their connection for the next. */
function closeConnectionsWithServer(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
    closeEventStreams(app.server)
  })
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
}

function checkPermissions({ service, routes, permissions }: ServiceRoutes): void {
  for (const { method, url, permission } of routes) {
    if (permission === 'public' || Object.hasOwn(permissions, permission ?? '')) continue
    const declared = Object.keys(permissions).join(', ') || 'none'
    const named =
      permission === undefined || permission === '' ? 'names no permission' : `names the permission "${permission}"`
    throw appError(
      'configuration',
      `Route ${method} ${url} of ${service} ${named}; the service declares: ${declared}. Declare it, or say "public".`,
    )
  }
}

async function addService(
  scope: FastifyInstance,
  { service, routes }: ServiceRoutes,
  options: HttpServerOptions,
): Promise<void> {
  const json = routes.filter((route) => route.body !== 'raw')
  for (const route of json) addRoute(scope, service, route, options)
  await scope.register(async (raw) => {
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser('*', readRawBody)
    for (const route of routes.filter((route) => route.body === 'raw')) addRoute(raw, service, route, options)
  })
}

function addRoute(
  scope: FastifyInstance,
  service: string,
  route: Route,
  { authenticate, limit }: HttpServerOptions,
): void {
  const { method, url, permission, schema, senderKey, handler } = route
  const open = permission === 'public'
  const admit = async (request: FastifyRequest) => {
    const key = senderKey === undefined ? undefined : { key: senderKey(request) }
    request.principal = open ? anyone : await authenticate(request, key)
    if (open) return
    if (!request.principal.permissions.has(permission)) {
      const { name } = request.principal
      throw appError('forbidden', `${name} lacks the permission ${permission}: use a key or token with that scope.`)
    }
    if (route.rateLimit !== 'none') await limit(request.principal)
  }
  const bare = bodyOfNone(route)
  const fill = async (request: FastifyRequest) => {
    request.body ??= bare?.()
  }
  scope.route({
    method,
    url,
    bodyLimit: route.bodyLimitBytes ?? defaultBodyLimitBytes,
    schema: {
      ...schema,
      tags: [service],
      response: { ...schema.response, '4xx': problemSchema, '5xx': problemSchema },
      ...(open ? {} : { security: [{ key: [permission] }] }),
    },
    // Before the body is read, unless the key is in it: a stranger's megabytes are not taken in.
    onRequest: senderKey === undefined ? admit : [],
    preValidation: senderKey === undefined ? fill : [fill, admit],
    handler: (request, reply) => inRequestSpan(request, reply, url, () => handler(request, reply, request.principal)),
  })
}

/** What stands for the body of a request that has none: of an object, where nothing of it is required, the empty one. */
function bodyOfNone({ body, schema }: Route): (() => unknown) | undefined {
  if (body === 'raw') return () => Buffer.alloc(0)
  const { type, required } = (schema.body ?? {}) as { type?: string; required?: readonly string[] }
  return type === 'object' && !required?.length ? () => ({}) : undefined
}

function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = asAppError(orForeignCursor(thrown, request.query))
  if (error.status >= 500)
    request.log.error({ err: thrown, requestId: request.id, url: pathOf(request) }, describeError(thrown))
  if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(error.retryAfterMs / 1000)))
  // Basic is taken too, but not asked for: a browser would put its own password prompt before the page.
  if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="plimsoll"')
  // Sent as text: the route's own serializer is for its own shape.
  return reply
    .status(error.status)
    .type(problemContentType)
    .serializer(JSON.stringify)
    .send(problemOf(error, request.id))
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? ''

// A caller's own id is kept when it is one: it ends up in logs and headers.
const requestId = ({ headers }: { headers: Record<string, string | string[] | undefined> }): string => {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID()
}

function countRequests(app: FastifyInstance, metrics: Metrics): void {
  const seconds = metrics.histogram(
    'plimsoll_http_request_duration_seconds',
    'Time to answer HTTP requests.',
    ['method', 'route', 'status'],
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  )
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    seconds.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
  })
}
