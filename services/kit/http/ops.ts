import { type FastifyInstance, fastify } from 'fastify'
import { Type } from 'typebox'
import type { Lifecycle } from '../lifecycle.ts'
import type { Route } from '../service.ts'
import type { Metrics } from '../telemetry/metrics.ts'

const live = Type.Object({ status: Type.Literal('live') })
const ready = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('not-ready')]),
  reasons: Type.Record(Type.String(), Type.String(), { description: 'What is not ready, and why.' }),
})

/** Whether the process lives, whether it can serve, and what it measures. */
export function opsRoutes(lifecycle: Lifecycle, metrics: Metrics): Route[] {
  return [
    {
      method: 'GET',
      url: '/live',
      permission: 'public',
      schema: { summary: 'The process runs', response: { 200: live } },
      handler: () => ({ status: 'live' }),
    },
    {
      method: 'GET',
      url: '/ready',
      permission: 'public',
      schema: {
        summary: 'Everything is there to serve: database, log, lanes, routes',
        response: { 200: ready, 503: ready },
      },
      handler: async (_request, reply) => {
        const reasons = await lifecycle.notReady()
        const isReady = Object.keys(reasons).length === 0
        return reply.status(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not-ready', reasons })
      },
    },
    {
      method: 'GET',
      url: '/metrics',
      permission: 'public',
      schema: { summary: 'Metrics of this process, in the Prometheus text format', response: { 200: Type.String() } },
      handler: async (_request, reply) =>
        reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics.expose()),
    },
  ]
}

/** The same three on a port of their own, for probes and scrapes of pods. */
export function createOpsServer(lifecycle: Lifecycle, metrics: Metrics): FastifyInstance {
  const app = fastify({ logger: false })
  for (const { method, url, handler } of opsRoutes(lifecycle, metrics)) {
    app.route({ method, url, handler: (request, reply) => handler(request, reply, request.principal) })
  }
  return app
}
