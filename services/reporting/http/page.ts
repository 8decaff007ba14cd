import { readdirSync, readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { Route } from '@plimsoll/kit/service.ts'
import { Type } from 'typebox'

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Nothing inline, nothing from elsewhere; with trusted types on, text sinks such as innerHTML refuse every string. */
const securityHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
}

/** One route per file of the folder, read at start-up: no request's path ever reaches the disk. */
export function pageRoutes(folder: URL): Route[] {
  return readdirSync(folder)
    .filter((file) => extname(file) in contentTypes)
    .map((file) => fileRoute(file, readFileSync(new URL(file, folder))))
}

function fileRoute(file: string, plain: Buffer): Route {
  const compress = { br: brotliCompressSync, gzip: gzipSync, identity: (body: Buffer) => body }
  // Compressed when first asked for: brotli at full strength is too slow for the start.
  const bodies: { [encoding in Encoding]?: Buffer } = {}
  return {
    method: 'GET',
    url: urlOf(file),
    permission: 'public',
    schema: { summary: `The page: ${file}`, response: { 200: Type.Any() } },
    handler(request, reply) {
      const encoding = encodingOf(String(request.headers['accept-encoding'] ?? ''))
      // no-cache: kept, but asked about each time; kit answers 304 by entity tag.
      reply.headers({ ...securityHeaders, 'cache-control': 'no-cache', vary: 'accept-encoding' })
      if (encoding !== 'identity') reply.header('content-encoding', encoding)
      bodies[encoding] ??= compress[encoding](plain)
      return reply.type(contentTypes[extname(file)] ?? 'application/octet-stream').send(bodies[encoding])
    },
  }
}

/** Pages by their names, index.html at the root; what they load lies below /page/. */
function urlOf(file: string): string {
  if (file === 'index.html') return '/'
  return extname(file) === '.html' ? `/${basename(file, '.html')}` : `/page/${file}`
}

type Encoding = 'br' | 'gzip' | 'identity'

function encodingOf(accepted: string): Encoding {
  if (/\bbr\b/.test(accepted)) return 'br'
  return /\bgzip\b/.test(accepted) ? 'gzip' : 'identity'
}
