import { type Dashboard, DashboardLinkPlacement } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Board } from './board.ts'
import { customerSuccess } from './customer-success.ts'
import { engineering } from './engineering.ts'
import { platform } from './platform.ts'
import { render } from './render.ts'

export type { Dashboard, DashboardLink, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard'

export type BoardFile = { readonly name: string; readonly dashboard: Dashboard; readonly text: string }

const boards: readonly Board[] = [platform, engineering, customerSuccess]

/** Every board with the text of the file that Grafana reads, `generated/<name>.json`. */
export function boardFiles(): BoardFile[] {
  return boards.map((board) => {
    const dashboard = render(board)
    return { name: `${board.uid}.json`, dashboard, text: `${JSON.stringify(dashboard, withoutMenu, 2)}\n` }
  })
}

/** The SDK's only placement of links and annotations is a menu in which nobody sees them; none means the toolbar. */
const withoutMenu = (_key: string, value: unknown): unknown =>
  value === DashboardLinkPlacement.InControlsMenu ? undefined : value
