import { writeAudit } from '@plimsoll/kit/auth/audit.ts'
import { inTransaction } from '@plimsoll/kit/db/transaction.ts'
import { appError } from '@plimsoll/kit/errors.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import { type Static, Type } from 'typebox'
import { dayOf } from '../domain/day.ts'
import { READY_PLAYBOOKS } from '../domain/playbook/ready.ts'
import { activatePlaybook, deactivatePlaybook, findDefinition, savePlaybook } from '../store/playbooks.ts'
import { type Tables, tables } from '../store/tables.ts'
import { definitionShape, parsePlaybook } from './playbook-definition.ts'
import { BASE, idParams } from './playbook-shapes.ts'

const saved = Type.Object({ id: Type.String(), version: Type.Integer() })

export const playbookSaveRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'PUT',
  url: `${BASE}/playbooks/:id`,
  permission: 'customer-success:write',
  schema: {
    summary: 'Save a playbook as its next version',
    description: 'It enrols nobody until that version is activated; what is under way goes on by its own version.',
    params: idParams,
    body: definitionShape,
    response: { 200: saved },
  },
  async handler(request, _, principal) {
    const { id } = request.params as Static<typeof idParams>
    const definition = parsePlaybook(request.body)
    const timeMs = clock.now()
    return await inTransaction(db, async (tx) => {
      const version = await savePlaybook(tx, id, definition, { name: principal.name, timeMs })
      await writeAudit(tx, { principal, action: 'playbook.saved', target: id, detail: { version }, timeMs })
      return { id, version }
    })
  },
})

const activation = Type.Object(
  { version: Type.Optional(Type.Integer({ minimum: 1, description: 'The newest when left out.' })) },
  { additionalProperties: false },
)

export const playbookActivateRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: `${BASE}/playbooks/:id/activate`,
  permission: 'customer-success:write',
  schema: {
    summary: 'Let a version of a playbook enrol accounts from now on',
    description: 'A ready playbook that nobody has saved yet is saved as it is. See the dry run first.',
    params: idParams,
    body: activation,
    response: { 200: saved },
  },
  async handler(request, _, principal) {
    const { id } = request.params as Static<typeof idParams>
    const { version: wanted } = request.body as Static<typeof activation>
    const timeMs = clock.now()
    return await inTransaction(db, async (tx) => {
      const found = await findDefinition(tables(tx), id, wanted)
      const ready = READY_PLAYBOOKS[id]
      if (found === undefined && (ready === undefined || wanted !== undefined))
        throw appError('not-found', `There is no such version of playbook ${id}; see GET ${BASE}/playbooks/${id}.`)
      const by = { name: principal.name, timeMs }
      const version = found?.version ?? (await savePlaybook(tx, id, ready as NonNullable<typeof ready>, by))
      await activatePlaybook(tx, id, version, { timeMs, day: dayOf(timeMs) - 1 })
      await writeAudit(tx, { principal, action: 'playbook.activated', target: id, detail: { version }, timeMs })
      return { id, version }
    })
  },
})

export const playbookDeactivateRoute = ({ db, clock }: ServiceContext<unknown, Tables>): Route => ({
  method: 'POST',
  url: `${BASE}/playbooks/:id/deactivate`,
  permission: 'customer-success:write',
  schema: {
    summary: 'Let a playbook enrol nobody any more',
    description: 'Enrolments under way go on, and their outcomes are recorded.',
    params: idParams,
    response: { 200: Type.Object({ id: Type.String() }) },
  },
  async handler(request, _, principal) {
    const { id } = request.params as Static<typeof idParams>
    const timeMs = clock.now()
    await inTransaction(db, async (tx) => {
      if (!(await deactivatePlaybook(tx, id))) throw appError('conflict', `Playbook ${id} is not active.`)
      await writeAudit(tx, { principal, action: 'playbook.deactivated', target: id, timeMs })
    })
    return { id }
  },
})
