// @ts-check
import { byId, element, showList } from './dom.js'
import { number, plural, signed } from './format.js'
import { orError, read } from './frame.js'
import { figure, stateMark } from './parts.js'
import { percent } from './plot.js'
import { qiniPicture } from './qini.js'
import { toElement } from './svg.js'

/**
 * @typedef {{ n: number, reached: number, rate: number }} Arm
 * @typedef {{
 *   treated: Arm, heldOut: Arm, effect: number, interval: { low: number, high: number }, verdict: string, reason: string,
 *   uplift: Uplift,
 * }} Effect
 * @typedef {{ reason: string, fitted: { coefficient: import('./qini.js').Estimate, points: import('./qini.js').Point[] } | null }} Uplift
 * @typedef {{ id: string, activeVersion: number | null, definition: { name: string, description: string } }} Playbook
 * @typedef {{ playbook: Playbook, effect: Effect | null, why: string }} Line `why`: what is said when there is no effect
 */

const all = '/v1/customer-success/playbooks?limit=100'

/** @param {Playbook} playbook */
const effectUrl = ({ id }) => `/v1/customer-success/playbooks/${encodeURIComponent(id)}/effect`

/** Playbooks with what they are measured to do: active ones first, then those accounts went through. @returns {import('./customers.js').View} */
export function playbooksView() {
  return {
    what: 'playbooks',
    concerns: ({ state }) => state === 'ActionTriggered' || state === 'ActionOutcomeRecorded',
    keys: {},
    async refresh() {
      /** @type {[{ items: Playbook[] }, { asOf: string | null }]} */
      const [{ items }, { asOf }] = await Promise.all([read(all), read('/v1/reporting/book')])
      const lines = await Promise.all(items.map(lineOf))
      const active = lines.filter(({ playbook }) => playbook.activeVersion !== null)
      const working = active.filter(({ effect }) => effect?.verdict === 'works').length
      byId('headline').textContent =
        active.length === 0
          ? 'No playbook is active'
          : `${number(working)} of ${plural(active.length, 'active playbook')} ${working === 1 ? 'is' : 'are'} shown to work`
      byId('counts').replaceChildren(figure('a', all, 'playbooks', plural(items.length, 'playbook')))
      document.title = 'Playbooks · Plimsoll'
      const ranked = lines.toSorted((a, b) => rankOf(b) - rankOf(a))
      showList(byId('playbooks'), ranked, ({ playbook }) => playbook.id, row)
      byId('playbooks').hidden = false
      return asOf
    },
  }
}

/** @param {Line} line */
const rankOf = ({ playbook, effect }) =>
  (playbook.activeVersion === null ? 0 : 2) + (effect !== null && effect.treated.n + effect.heldOut.n > 0 ? 1 : 0)

/** @param {Playbook} playbook @returns {Promise<Line>} */
async function lineOf(playbook) {
  /** @type {Effect | Error} */
  const effect = await orError(read(effectUrl(playbook)))
  return effect instanceof Error ? { playbook, effect: null, why: effect.message } : { playbook, effect, why: '' }
}

/** A verdict's mark. @type {Readonly<Record<string, string>>} */
const marks = { works: 'resolved', harms: 'confirmed', 'no evidence': 'accepted' }

/** @param {Line} line */
function row({ playbook, effect, why }) {
  const { id, activeVersion, definition } = playbook
  const mark = marks[effect?.verdict ?? ''] ?? 'unknown'
  return element(
    'li.entry',
    { id: `playbook-${id}` },
    element(
      'p.verdict',
      {},
      stateMark(mark),
      element('span.name', {}, definition.name),
      element('span.tag', {}, activeVersion === null ? 'not active' : `active, version ${activeVersion}`),
    ),
    element('p.sub', {}, definition.description),
    ...(effect === null
      ? [element('p.sub', {}, `Its effect cannot be shown: ${why}`)]
      : effectParts(effect, effectUrl(playbook), id)),
  )
}

/** @param {Effect} effect @param {string} url @param {string} id */
function effectParts(effect, url, id) {
  const { treated, heldOut, verdict, reason, uplift } = effect
  if (treated.n + heldOut.n === 0) return [element('p.sub', {}, 'No account has been through it yet.')]
  return [
    element(
      'p.facts-line',
      {},
      figure('a', url, 'verdict', verdict),
      figure('a', url, 'reached the goal', armText('treated', treated)),
      figure('a', url, 'reached the goal', armText('held out', heldOut)),
      figure('a', url, 'effect with its 95 % interval', effectText(effect)),
    ),
    element('p.sub', {}, reason),
    ...upliftParts(uplift, url, id),
  ]
}

/** For whom it makes a difference. @param {Uplift} uplift @param {string} url @param {string} id */
function upliftParts({ reason, fitted }, url, id) {
  const why = element('p.sub', {}, `For whom: ${reason}`)
  if (fitted === null) return [why]
  const { value, low, high } = fitted.coefficient
  const title = 'What treating those gains for whom it is predicted to make the largest difference'
  return [
    toElement(qiniPicture(fitted.points, { title, id: `qini-${id}` })),
    element(
      'p.facts-line',
      {},
      figure('a', url, 'Qini coefficient', `${percent(value)} above chance (${percent(low)} to ${percent(high)})`),
    ),
    why,
  ]
}

/** @param {string} name @param {Arm} arm */
const armText = (name, { n, reached }) => `${number(reached)} of ${number(n)} ${name} reached the goal`

/** In percentage points. @param {Effect} effect */
function effectText({ effect, interval: { low, high } }) {
  const [middle, from, to] = [effect, low, high].map((share) => signed(share * 100))
  return `${middle} points (${from} to ${to})`
}
