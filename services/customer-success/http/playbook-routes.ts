/** The routes of playbooks, their actions and effects, and guidance. */

import { ledgerRoutes } from '@plimsoll/kit/ledger/routes.ts'
import type { Route, ServiceContext } from '@plimsoll/kit/service.ts'
import type { CustomerSuccessConfig } from '../config.ts'
import type { Tables } from '../store/tables.ts'
import { contactRoute } from './action-contacts.ts'
import { taskDoneRoute, tasksRoute } from './action-tasks.ts'
import { actionStartRoute, actionStepsRoute, actionsRoute } from './actions.ts'
import { guidanceDismissRoute, guidanceRoute, guidanceSaveRoute } from './guidance.ts'
import { playbookDryRunRoute } from './playbook-dry-run.ts'
import { manualEffectRoute, playbookEffectRoute } from './playbook-effect.ts'
import { playbookRecordRoute } from './playbook-record.ts'
import { playbookActivateRoute, playbookDeactivateRoute, playbookSaveRoute } from './playbook-save.ts'
import { playbookRoute, playbooksRoute } from './playbooks.ts'

const permissions = { read: 'customer-success:read', write: 'customer-success:write' }

export const playbookRoutes = (context: ServiceContext<CustomerSuccessConfig, Tables>): Route[] => [
  playbooksRoute(context),
  playbookRoute(context),
  playbookSaveRoute(context),
  playbookActivateRoute(context),
  playbookDeactivateRoute(context),
  playbookDryRunRoute(context),
  playbookEffectRoute(context),
  playbookRecordRoute(context),
  actionsRoute(context),
  actionStepsRoute(context),
  actionStartRoute(context),
  manualEffectRoute(context),
  tasksRoute(context),
  taskDoneRoute(context),
  contactRoute(context),
  guidanceRoute(context),
  guidanceSaveRoute(context),
  guidanceDismissRoute(context),
  ...ledgerRoutes('customer-success', permissions, context),
]
