import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** Lines of a .csv or .csv.gz without the header, split at commas, quotes stripped. Fields in these files hold no commas. */
export function* csvRows(path: string): Generator<string[]> {
  const raw = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(raw) : raw).toString('utf8')
  let from = text.indexOf('\n') + 1
  while (from < text.length) {
    let to = text.indexOf('\n', from)
    if (to < 0) to = text.length
    const line = text.slice(from, to).trim()
    from = to + 1
    if (line === '') continue
    yield (line.includes('"') ? line.replaceAll('"', '') : line).split(',')
  }
}

export function readJson(path: string): unknown {
  const raw = readFileSync(path)
  return JSON.parse((path.endsWith('.gz') ? gunzipSync(raw) : raw).toString('utf8'))
}
