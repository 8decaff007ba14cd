import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { type AppError, appError } from '../errors.ts'
import { unstorableAt } from './storable.ts'

/** Query parameters of every list. */
export const pageQuery = {
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Most items to return.' }),
  cursor: Type.Optional(Type.String({ maxLength: 1_000, description: '`next` of the page before; opaque.' })),
}

/** The schema of a page of `item`. `next` is null on the last page. */
export const pageOf = <Item extends TSchema>(item: Item) =>
  Type.Object({ items: Type.Array(item), next: Type.Union([Type.String(), Type.Null()]) })

export type Page<Item> = { readonly items: readonly Item[]; readonly next: string | null }

/**
 * A page from one row more than was asked for: a query for `limit + 1` rows tells whether there is a next page.
 * @example page(rows, query.limit, (last) => ({ startedAt: last.startedAt, id: last.id }))
 */
export function page<Item>(rows: readonly Item[], limit: number, cursorOf: (last: Item) => unknown): Page<Item> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return { items, next: rows.length > limit && last !== undefined ? encodeCursor(cursorOf(last)) : null }
}

export const encodeCursor = (position: unknown): string => Buffer.from(JSON.stringify(position)).toString('base64url')

/** The position a cursor stands for, undefined on the first page. Throws `bad-request` for one we did not make. */
export function decodeCursor<Position extends TObject>(
  cursor: string | undefined,
  schema: Position,
): Static<Position> | undefined {
  if (cursor === undefined) return undefined
  const position = parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  if (Value.Check(schema, position) && unstorableAt(position) === undefined) return position
  throw foreignCursor()
}

const foreignCursor = (cause?: unknown): AppError =>
  appError('bad-request', 'The cursor is not one of ours: leave it out to start at the first page.', {
    fields: [{ field: 'query/cursor', expected: '`next` of the page before, unchanged' }],
    cause,
  })

/** SQLSTATE (Appendix A of PostgreSQL's manual): a number out of range, a time that is none. */
const unreadableStates = new Set(['22003', '22007', '22008', '22P02'])

/**
 * What a failure was, of a request with this query. Every other parameter is checked against its schema; a position that
 * somebody made up may have the shape of ours and still hold what no column does.
 */
export function orForeignCursor(error: unknown, query: unknown): unknown {
  const { code } = error as { code?: unknown }
  const { cursor } = (query ?? {}) as { cursor?: unknown }
  return cursor !== undefined && unreadableStates.has(String(code)) ? foreignCursor(error) : error
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
