import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import { decodeCursor, page, pageOf, pageQuery } from '@plimsoll/kit/http/paging.ts'
import { nullable } from '@plimsoll/kit/http/shapes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { finishTask, listTasks } from '../store/action-steps.ts'
import type { Tables } from '../store/tables.ts'
import { BASE } from './playbook-shapes.ts'

const querystring = Type.Object({
  accountId: Type.Optional(Type.String({ maxLength: 500 })),
  open: Type.Optional(Type.Boolean()),
  ...pageQuery,
})
const cursor = Type.Object({ createdAt: Type.String(), id: Type.String() })
const taskSchema = Type.Object({
  id: Type.String(),
  actionId: Type.String(),
  accountId: Type.String(),
  title: Type.String(),
  assignee: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
  doneAt: nullable(Type.String({ format: 'date-time' })),
  doneBy: nullable(Type.String()),
})

export const tasksRoute = ({ reader }: ServiceContext<unknown, Tables>): Route => ({
  method: 'GET',
  url: `${BASE}/tasks`,
  permission: 'customer-success:read',
  schema: { summary: 'Tasks of playbooks, newest first', querystring, response: { 200: pageOf(taskSchema) } },
  async handler(request) {
    const { limit, cursor: at, ...filter } = request.query as Static<typeof querystring>
    const position = decodeCursor(at, cursor)
    const before = position && { createdAt: new Date(position.createdAt), id: position.id }
    const rows = await listTasks(reader, { ...filter, ...(before && { before }) }, limit + 1)
    const tasks = rows.map(({ id, action_id, account_id, title, assignee, created_at, done_at, done_by }) => ({
      ...{ id, actionId: action_id, accountId: account_id, title, assignee, createdAt: created_at.toISOString() },
      ...{ doneAt: done_at?.toISOString() ?? null, doneBy: done_by },
    }))
    return page(tasks, limit, ({ createdAt, id }) => ({ createdAt, id }))
  },
})

const params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 800 }) })

export const taskDoneRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: `${BASE}/tasks/:id/done`,
  permission: 'customer-success:write',
  schema: { summary: 'Say that a task is done', params, response: { 200: Type.Object({ id: Type.String() }) } },
  async handler(request, _, principal) {
    const { id } = request.params as Static<typeof params>
    const timeMs = clock.now()
    await inTransaction(db, async (tx) => {
      if (!(await finishTask(tx, id, { name: principal.name, timeMs })))
        throw appError('conflict', `No open task has the id ${id}; list them with GET ${BASE}/tasks?open=true.`)
      await writeAudit(tx, { principal, action: 'task.done', target: id, timeMs })
    })
    return { id }
  },
})
