/** Who calls whom: from labels (store/lane.ts) and from traces, whose spans may lie in different lanes. */

import { bulkUpsert } from '@plimsoll/kit/db/bulk.ts'
import type { WorkerTransaction } from '@plimsoll/kit/db/database.ts'
import { sql } from 'kysely'
import type { SpanLink } from '../domain/spans.ts'
import { tables } from './lane.ts'

export async function saveSpanLinks(tx: WorkerTransaction, all: readonly SpanLink[], nowMs: number): Promise<void> {
  const links = [...new Map(all.map((link) => [`${link.trace}${link.span}`, link])).values()]
  const text = (name: 'trace' | 'span' | 'parent' | 'service') => ({
    name,
    type: 'text' as const,
    values: links.map((link) => link[name]),
  })
  await bulkUpsert(tx, {
    table: 'span_link',
    key: ['trace', 'span'],
    onConflict: 'keep',
    columns: [
      text('trace'),
      text('span'),
      text('parent'),
      text('service'),
      { name: 'at', type: 'timestamptz', values: links.map(({ atMs }) => atMs) },
      { name: 'kept_at', type: 'timestamptz', values: links.map(() => nowMs) },
    ],
  })
}

/** Joins children to parents of other services, then forgets links older than `keepMs`. */
export async function joinSpanLinks(tx: WorkerTransaction, nowMs: number, keepMs: number): Promise<void> {
  await sql`
    insert into edge (caller, callee, first_at, last_at)
    select parent.service, child.service, min(child.at), max(child.at)
    from span_link child
    join span_link parent on parent.trace = child.trace and parent.span = child.parent
    where parent.service <> child.service
    group by 1, 2
    on conflict (caller, callee) do update
      set first_at = least(edge.first_at, excluded.first_at), last_at = greatest(edge.last_at, excluded.last_at)
  `.execute(tables(tx))
  await sql`delete from span_link where kept_at < ${new Date(nowMs - keepMs)}`.execute(tables(tx))
}

export function allEdges(tx: WorkerTransaction): Promise<{ caller: string; callee: string }[]> {
  return tables(tx).selectFrom('edge').select(['caller', 'callee']).orderBy('caller').orderBy('callee').execute()
}
