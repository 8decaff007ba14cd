/** What comes of a replayed year: its campaigns are put down, its days awaited, and the whole chain told. */

import { join } from 'node:path'
import { cssimFolder } from '../bench/cs/cssim.ts'
import { csvRows } from '../bench/detect/csv.ts'
import type { Api } from './api.ts'
import { pause } from './send.ts'

const DAY_MS = 86_400_000
const BASE = '/v1/customer-success'
const MOST_ROWS = 1_000
const LOOK_MS = 5_000
const SAY_MS = 15_000
/** Outcomes are recorded within seconds of the day their window ends on. */
const SETTLED_MS = 12_000
/** Without any progress. */
const GIVE_UP_MS = 300_000

/** The recording tells when an account was triggered and in which arm; whether it is still there after two months is the goal. */
const campaign = (trigger: string) => ({
  name: `Campaign of the recording: ${trigger}`,
  description: 'Accounts were treated or left alone by lot.',
  trigger: { kind: 'event', event: 'risk_raised' },
  reenrolment: { kind: 'maxNPerDays', n: 1, days: 90 },
  priority: 50,
  holdoutShare: 0.2,
  steps: [{ id: 'call', kind: 'task', title: 'Call {{account}}' }],
  goal: { metric: 'isCancelled', direction: 'down', target: 0, windowDays: 60, leastEffect: 0.1 },
})

type Rate = { readonly rate: number | null }
type Raises = { readonly raised: number; readonly precision: Rate; readonly coverage: Rate }
type Arm = { readonly n: number; readonly reached: number; readonly rate: number }
type Effect = {
  readonly playbook: string
  readonly treated: Arm
  readonly heldOut: Arm
  readonly effect: number
  readonly interval: { readonly low: number; readonly high: number }
  readonly verdict: string
}
type Risk = {
  readonly accountId: string
  readonly mrrMinor: number
  readonly currency: string
  readonly reason: string
}

/** Answers of the API, as far as they are told. */
export type Story = {
  readonly distribution: {
    readonly to: string
    readonly bands: readonly { readonly band: string; readonly accounts: number }[]
  }
  readonly assessment: { readonly from: string; readonly raises: Raises; readonly naive: Raises }
  readonly risks: readonly Risk[]
  readonly effects: readonly Effect[]
  readonly dryRun: { readonly accounts: number; readonly treated: number; readonly heldOut: number }
}

export async function tellStory(
  api: Api,
  data: string,
  dayZeroMs: number,
  lastDay: number,
  say: (text: string) => void,
): Promise<Story> {
  // A day is over once somebody came on a later one.
  const endMs = dayZeroMs + lastDay * DAY_MS
  await closedUpTo(api, dayZeroMs, say)
  const playbooks = await recordCampaigns(api, data, dayZeroMs)
  say(`${playbooks.length} campaigns of the recording are put down`)
  await closedUpTo(api, (dayZeroMs + endMs) / 2, say)
  await fitHealth(api, say)
  await closedUpTo(api, endMs, say)
  const effects = await settledEffects(api, playbooks)
  const [distribution, assessment, { items: risks }, dryRun] = await Promise.all([
    api.call<Story['distribution']>('GET', `${BASE}/health/distribution`),
    api.call<Story['assessment']>('GET', `${BASE}/churn-risk/assessment`),
    api.call<{ items: Risk[] }>('GET', `${BASE}/churn-risk?limit=5`),
    api.call<Story['dryRun']>('POST', `${BASE}/playbooks/high-churn-risk/dry-run`, {}),
  ])
  return { distribution, assessment, risks, effects, dryRun }
}

/** Waits until risks are told of all days before `endMs`, as long as anything moves. */
async function closedUpTo(api: Api, endMs: number, say: (text: string) => void): Promise<void> {
  let [before, movedAt, saidAt] = ['', Date.now(), 0]
  for (;;) {
    const closed = await api.metric('plimsoll_customer_success_day_closed_seconds')
    const riskMs = (closed.get('ticker="risk"') ?? 0) * 1000
    if (riskMs > 0 && riskMs >= endMs) return
    const stored = (await api.metric('plimsoll_customer_success_events_total')).get('outcome="stored"') ?? 0
    const now = JSON.stringify([...closed, stored])
    if (now !== before) movedAt = Date.now()
    if (Date.now() - movedAt > GIVE_UP_MS) throw new Error(`nothing has moved for ${GIVE_UP_MS / 60_000} minutes`)
    if (Date.now() - saidAt > SAY_MS) {
      saidAt = Date.now()
      say(
        riskMs === 0
          ? `${stored} events counted`
          : `days are closed up to ${isoDay(riskMs - 1)} of ${isoDay(endMs - 1)}`,
      )
    }
    before = now
    await pause(LOOK_MS)
  }
}

const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

type Fitted = {
  readonly version: number
  readonly backtest: Readonly<Record<'fitted' | 'before', { readonly auc: number }>>
}

/** As an administrator does once it is known who left: what a score means is learned of the accounts there are. */
async function fitHealth(api: Api, say: (text: string) => void): Promise<void> {
  try {
    const { version, backtest } = await api.call<Fitted>('POST', `${BASE}/health/configurations/fit`)
    await api.call('POST', `${BASE}/health/configurations/${version}/activate`)
    const [fitted, before] = [backtest.fitted.auc.toFixed(3), backtest.before.auc.toFixed(3)]
    say(`health is fitted to who left: AUC ${fitted} on the newest quarter, ${before} before; it scores from now on`)
  } catch (error) {
    say(`health stays as it is: ${error instanceof Error ? error.message : error}`)
  }
}

/** Ids of the playbooks they are put down for. */
async function recordCampaigns(api: Api, data: string, dayZeroMs: number): Promise<string[]> {
  const actions = [...csvRows(join(cssimFolder(data), 'actions.csv.gz'))].map(
    ([accountId = '', day, trigger = '', arm]) => ({
      ...{ accountId, trigger, arm },
      at: new Date(dayZeroMs + Number(day) * DAY_MS).toISOString(),
    }),
  )
  const playbooks: string[] = []
  for (const [trigger, own] of Map.groupBy(actions, (action) => action.trigger)) {
    const id = `recorded-${trigger.replaceAll('_', '-')}`
    await api.call('PUT', `${BASE}/playbooks/${id}`, campaign(trigger))
    for (let from = 0; from < own.length; from += MOST_ROWS) {
      const items = own.slice(from, from + MOST_ROWS).map(({ accountId, arm, at }) => ({ accountId, arm, at }))
      await api.call('POST', `${BASE}/playbooks/${id}/actions`, { items })
    }
    playbooks.push(id)
  }
  return playbooks.sort()
}

/** Effects once no more outcomes come in. */
async function settledEffects(api: Api, playbooks: readonly string[]): Promise<Effect[]> {
  for (let [known, since] = [-1, Date.now()]; ; await pause(LOOK_MS)) {
    const effects = await Promise.all(playbooks.map((id) => api.call<Effect>('GET', `${BASE}/playbooks/${id}/effect`)))
    const now = effects.reduce((sum, { treated, heldOut }) => sum + treated.n + heldOut.n, 0)
    if (now !== known) [known, since] = [now, Date.now()]
    if (Date.now() - since >= SETTLED_MS) return effects
  }
}

const percent = ({ rate }: Rate): string => (rate === null ? 'unknown' : `${(100 * rate).toFixed(0)} %`)
const points = (share: number): string => `${share < 0 ? '' : '+'}${(100 * share).toFixed(0)}`

export function describeStory({ distribution, assessment, risks, effects, dryRun }: Story): string {
  const { raises, naive } = assessment
  const told = (of: Raises): string => `precision ${percent(of.precision)}, coverage ${percent(of.coverage)}`
  return [
    `Accounts at the end of ${distribution.to}: ${distribution.bands.map(({ band, accounts }) => `${accounts} ${band}`).join(', ')}`,
    `Churn risk since ${assessment.from}: raised ${raises.raised} times, ${told(raises)} (a score below the band alone: ${naive.raised} times, ${told(naive)})`,
    'At risk with most to lose:',
    ...risks.map(
      ({ accountId, mrrMinor, currency, reason }) =>
        `  account ${accountId}, ${(mrrMinor / 100).toFixed(2)} ${currency} a month: ${reason}`,
    ),
    'Still a customer after 60 days, of those a campaign treated and of those it left alone by lot:',
    ...effects.map(
      ({ playbook, treated, heldOut, effect, interval, verdict }) =>
        `  ${playbook}: ${percent(treated)} of ${treated.n}, ${percent(heldOut)} of ${heldOut.n}, ${points(effect)} points [${points(interval.low)}, ${points(interval.high)}]: ${verdict}`,
    ),
    `The ready playbook high-churn-risk would have taken in ${dryRun.accounts} accounts in the last 90 days, and held out ${dryRun.heldOut} of them.`,
  ].join('\n')
}
