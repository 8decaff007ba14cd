import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createMetrics } from '@plimsoll/kit/telemetry/prometheus.ts'

export type MetricKind = 'counter' | 'gauge' | 'histogram'

/** Every name a query may use: a histogram under the names of its three kinds of series. */
export type Registry = ReadonlyMap<string, MetricKind>

const root = fileURLToPath(new URL('../..', import.meta.url))
const comment = /\/\*.*?\*\//gs
const registration = /\bmetrics\s*\.\s*(counter|gauge|histogram)\(\s*'(plimsoll_\w+)'/g

/** What the services register, read from their sources, and what prom-client measures of every process. */
export async function readRegistry(): Promise<Registry> {
  const sources = globSync('services/**/*.ts', { cwd: root, exclude: ['**/node_modules/**', '**/*.test.ts'] })
  const ours = sources.flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').replace(comment, '').matchAll(registration)].map(([, kind, name]) => [
      name,
      kind,
    ]),
  )
  const exposition = await createMetrics().expose()
  const process = [...exposition.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, kind]) => [name, kind])
  return new Map([...ours, ...process].flatMap(([name, kind]) => seriesNames(name as string, kind as MetricKind)))
}

const seriesNames = (name: string, kind: MetricKind): (readonly [string, MetricKind])[] =>
  kind === 'histogram'
    ? ['_bucket', '_sum', '_count'].map((suffix) => [`${name}${suffix}`, kind] as const)
    : [[name, kind]]
