import { appError } from '@plimsoll/kit/errors.ts'
import type { Route } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { plainBody, utf8 } from '../decode/body.ts'
import type { Read } from '../domain/draft.ts'
import { checkDraft, type Reception } from '../domain/event.ts'
import { timeOf } from '../domain/time.ts'
import { MAX_EVENTS } from '../intake.ts'
import { type TableName, tableKinds } from '../table/mapping.ts'
import { type Row, readTable, type Table } from '../table/table.ts'
import { countingDamage, isOn, type UsageParts } from './receive.ts'
import { headerKey } from './senderkey.ts'

const importQuery = Type.Object({
  kind: Type.Union(
    (Object.keys(tableKinds) as TableName[]).map((name) => Type.Literal(name)),
    { description: 'What the rows are.' },
  ),
  dry_run: Type.Optional(Type.String({ description: '1: stores nothing, tells what it would store.' })),
  map: Type.String({ default: '', description: 'Columns of fields: `severity:priority,openedAt:submitted_at`.' }),
  day0: Type.Optional(Type.String({ description: 'The day that whole numbers in columns of times count from.' })),
  currency: Type.Optional(Type.String({ description: 'ISO 4217, for amounts whose row states none.' })),
})

const importAnswer = Type.Object({
  kind: Type.String(),
  dryRun: Type.Boolean(),
  rows: Type.Integer(),
  accepted: Type.Integer({ description: 'Durable now, or, in a dry run, what would be.' }),
  duplicate: Type.Integer(),
  refused: Type.Integer(),
  mapping: Type.Record(Type.String(), Type.String(), { description: 'Field -> column.' }),
  unusedColumns: Type.Array(Type.String()),
  preview: Type.Array(Type.Unknown(), { description: 'The first rows, as they are stored.' }),
  problems: Type.Array(Type.Object({ line: Type.Integer(), problem: Type.String() }), {
    description: 'Every row that is refused: where it begins and what to change.',
  }),
})

const PREVIEW_ROWS = 5
const PROTOCOL = 'csv'

/** A table as CSV, whatever its columns are called; try it with `dry_run=1` first. */
export function csvImportRoute(parts: UsageParts): Route {
  const { ledger, clock, ipHash } = parts
  return {
    method: 'POST',
    url: '/v1/import/csv',
    permission: 'gateway:write',
    body: 'raw',
    bodyLimitBytes: parts.bodyLimitBytes,
    senderKey: headerKey,
    schema: {
      summary: 'Import of tickets, invoices, answers, subscriptions, contacts or accounts as CSV',
      description: 'Plain or gzip, with a comma, semicolon or tab. The same table again changes nothing.',
      querystring: importQuery,
      response: { 200: importAnswer },
    },
    async handler(request, _reply, principal) {
      const query = request.query as Static<typeof importQuery>
      const source = principal.name
      const receivedAt = clock.now()
      const dayZero = timeOf(query.day0)
      if (query.day0 !== undefined && dayZero === undefined) {
        throw appError('bad-request', 'day0 must be a date such as 2025-01-01.')
      }
      const { currency } = query
      const body = request.body as Uint8Array
      const table = countingDamage(ledger, source, PROTOCOL, () => {
        const text = utf8(plainBody(body, parts.bodyLimitBytes))
        return readTable(text, tableKinds[query.kind], query.map, { source, receivedAt, dayZero, currency })
      })
      const dryRun = isOn(query.dry_run)
      const reception = { source, receivedAt, bodyBytes: body.length, ipHash }
      const { problems, ...counts } = dryRun ? tried(table, reception) : await stored(table, reception, parts)
      return {
        kind: query.kind,
        dryRun,
        rows: table.rows.length,
        ...counts,
        refused: problems.length,
        mapping: Object.fromEntries(table.mapping),
        unusedColumns: table.unused,
        preview: table.rows.flatMap(({ read }) => shownAs(read, reception)).slice(0, PREVIEW_ROWS),
        problems,
      }
    },
  }
}

type Report = {
  readonly accepted: number
  readonly duplicate: number
  readonly problems: readonly { readonly line: number; readonly problem: string }[]
}

/** What is wrong with a row, without storing anything. */
function problemOf(read: Read, reception: Reception): string | undefined {
  const checked = read.kind === 'usage' ? checkDraft(read.draft, reception) : read
  return checked.kind === 'refused' ? checked.detail : undefined
}

function tried({ rows }: Table, reception: Reception): Report {
  const problems = rows.flatMap(({ line, read }) => {
    const problem = problemOf(read, reception)
    return problem === undefined ? [] : [{ line, problem }]
  })
  return { accepted: rows.length - problems.length, duplicate: 0, problems }
}

/** Stores the rows, so many at a time as a request may hold. */
async function stored({ rows }: Table, reception: Reception, { intake }: UsageParts): Promise<Report> {
  const problems: { line: number; problem: string }[] = []
  let accepted = 0
  let duplicate = 0
  for (let from = 0; from < rows.length; from += MAX_EVENTS) {
    const some = rows.slice(from, from + MAX_EVENTS)
    const receipt = await intake.take(
      { ...reception, protocol: PROTOCOL },
      some.map(({ read }) => read),
    )
    accepted += receipt.accepted
    duplicate += receipt.duplicate
    for (const { index, status, detail } of receipt.verdicts) {
      if (status === 'rejected') problems.push({ line: (some[index] as Row).line, problem: detail })
    }
  }
  return { accepted, duplicate, problems }
}

function shownAs(read: Read, reception: Reception): readonly unknown[] {
  if (read.kind === 'fact') return [{ type: read.fact.type, ...read.fact.value }]
  if (read.kind === 'refused') return []
  const checked = checkDraft(read.draft, reception)
  if (checked.kind !== 'event') return []
  const { accountId, timeMs, properties } = checked.event
  return [{ type: 'group', accountId, timeMs, traits: JSON.parse(properties) }]
}
