import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Each bench is a program of its own: measured in a fresh process, and runnable by itself. */
const benches = {
  detect: ['detect/main.ts', 'quality of detection on public data, beside the simple rules'],
  ingest: ['ingest/main.ts', 'CPU per sample of remote write and OTLP, beside a real Prometheus'],
  lane: ['lane.ts', 'samples/s of a lane worker: pull, decode, fold, commit'],
  regress: ['regress.ts', "samples/s and memory of performance's processor on real servers, 10,000 endpoints"],
  fold: ['fold.ts', "performance's fold: samples/s and bytes per series, 1 k to 100 k series"],
  visible: ['visible.ts', 'from the batch that proves a regression to the HTTP answer that shows it'],
  cs: ['cs/main.ts', 'the scoreboard of customer success: counts, health, models, playbooks'],
  codec: ['codec.ts', 'decoding a batch, beside JSON and Avro arrays'],
} as const satisfies Readonly<Record<string, readonly [file: string, what: string]>>

const [name = '', ...args] = process.argv.slice(2)
if (!Object.hasOwn(benches, name)) {
  const known = Object.entries(benches).map(([bench, [, what]]) => `  ${bench.padEnd(8)}${what}`)
  process.stderr.write(`usage: npm run bench -- NAME [--json] [...]\n\n${known.join('\n')}\n`)
  process.exit(2)
}
const [file] = benches[name as keyof typeof benches]
const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...args], { stdio: 'inherit' })
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
