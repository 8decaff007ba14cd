/** Reports as CSV (RFC 4180), for spreadsheets, where the same route answers JSON otherwise. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { type TSchema, Type } from 'typebox'

export type Cell = string | number | boolean | null

export type Table = { readonly columns: readonly string[]; readonly rows: readonly (readonly Cell[])[] }

/** Of a report's query. */
export const formatQuery = {
  format: Type.Optional(
    Type.Union([Type.Literal('json'), Type.Literal('csv')], {
      description: 'Left out, `Accept` decides: `text/csv` before anything else is CSV.',
    }),
  ),
}

/** The answer of a report, by content type. */
export const reportOf = (schema: TSchema, columns: string): TSchema => ({
  description: 'The report.',
  content: {
    'application/json': { schema },
    'text/csv': { schema: Type.String({ description: `A line of names, then ${columns}.` }) },
  },
})

/** Sends a report's body, or its table when CSV was asked for. */
export function sendReport<Body>(
  request: FastifyRequest,
  reply: FastifyReply,
  body: Body,
  tableOf: (body: Body) => Table,
): FastifyReply {
  const { format } = request.query as { format?: 'json' | 'csv' }
  const isCsv = format === undefined ? /^\s*text\/csv\b/i.test(request.headers.accept ?? '') : format === 'csv'
  reply.header('vary', 'accept')
  if (!isCsv) return reply.type('application/json; charset=utf-8').send(body)
  return reply.type('text/csv; charset=utf-8').send(csvOf(tableOf(body)))
}

/** @example csvOf({ columns: ['account', 'score'], rows: [['a, b', 41.5], ['c', null]] }) // account,score\r\n"a, b",41.5\r\nc,\r\n */
export const csvOf = ({ columns, rows }: Table): string =>
  [columns, ...rows].map((row) => `${row.map(cellText).join(',')}\r\n`).join('')

function cellText(cell: Cell): string {
  if (typeof cell !== 'string') return cell === null ? '' : String(cell)
  // Names are told from outside: a spreadsheet must not take one for a formula (OWASP, CSV Injection).
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
