import { appError } from '@plimsoll/kit/errors.ts'
import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { READY_PLAYBOOKS } from '../domain/playbook/ready.ts'
import { listPlaybooks, type PlaybookReader, type StoredPlaybook } from '../store/playbooks.ts'
import type { Tables } from '../store/tables.ts'
import { BASE, idParams, playbookSchema } from './playbook-shapes.ts'

const querystring = Type.Object(pageQuery)
const cursor = Type.Object({ id: Type.String() })

/** Saved ones, and the ready ones nobody has saved yet as version 0, by id. */
async function allPlaybooks(reader: PlaybookReader): Promise<StoredPlaybook[]> {
  const saved = await listPlaybooks(reader)
  const known = new Set(saved.map(({ id }) => id))
  const ready = Object.entries(READY_PLAYBOOKS)
    .filter(([id]) => !known.has(id))
    .map(([id, definition]) => ({ id, version: 0, definition, activeVersion: undefined }))
  return [...saved, ...ready].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** A playbook by id, ready ones included. Throws `not-found`. */
export async function playbookById(reader: PlaybookReader, id: string): Promise<StoredPlaybook> {
  const found = (await allPlaybooks(reader)).find((one) => one.id === id)
  if (found !== undefined) return found
  throw appError('not-found', `There is no playbook ${id}; list them with GET ${BASE}/playbooks.`)
}

const bodyOf = ({ activeVersion, ...playbook }: StoredPlaybook): Static<typeof playbookSchema> => ({
  ...playbook,
  activeVersion: activeVersion ?? null,
})

export const playbooksRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: `${BASE}/playbooks`,
  permission: 'customer-success:read',
  schema: { summary: 'Playbooks by id, ready ones included', querystring, response: { 200: pageOf(playbookSchema) } },
  async handler(request) {
    const { limit, cursor: at } = request.query as Static<typeof querystring>
    const after = decodeCursor(at, cursor)?.id ?? ''
    const playbooks = (await allPlaybooks(reader)).filter(({ id }) => id > after)
    return page(playbooks.slice(0, limit + 1).map(bodyOf), limit, ({ id }) => ({ id }))
  },
})

export const playbookRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: `${BASE}/playbooks/:id`,
  permission: 'customer-success:read',
  schema: { summary: 'One playbook, its newest version', params: idParams, response: { 200: playbookSchema } },
  async handler(request) {
    return bodyOf(await playbookById(reader, (request.params as Static<typeof idParams>).id))
  },
})
