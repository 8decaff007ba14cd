// @ts-check
import { element } from './dom.js'
import { clockTime, duration } from './format.js'
import { shape, toElement } from './svg.js'

/** A state's mark: a shape of its own beside the colour. @type {Readonly<Record<string, { path: string, text: string }>>} */
const marks = {
  confirmed: { path: 'M8 1.5 15 14H1z', text: 'Confirmed' },
  suspected: { path: 'M8 1.5 14.5 8 8 14.5 1.5 8z', text: 'Suspected' },
  normal: { path: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11z', text: 'Normal' },
  resolved: { path: 'M2 8.5 6.2 12.5 14 4', text: 'Resolved' },
  accepted: { path: 'M2.5 5.5h11M2.5 10.5h11', text: 'Accepted' },
  unknown: { path: 'M3 8h.01M8 8h.01M13 8h.01', text: 'Unknown' },
}

/** @param {string} state */
export const stateName = (state) => marks[state]?.text ?? state

/** @param {string} state */
export function stateMark(state) {
  const path = marks[state]?.path ?? ''
  return toElement(
    shape(
      'svg',
      { class: `mark-icon ${state}`, viewBox: '0 0 16 16', 'aria-hidden': 'true' },
      shape('path', { d: path }),
    ),
  )
}

/** @param {string} state */
export const badge = (state) => element(`span.badge.${state}`, {}, stateMark(state), stateName(state))

/** A number that opens its query. @param {string} tag @param {string} href @param {string} label what it is, for those who do not see the column @param {...(Node | string | undefined)} children */
export function figure(tag, href, label, ...children) {
  return element(
    tag,
    { href, title: `${label}: GET ${href}` },
    element('span.visually-hidden', {}, `${label} `),
    ...children,
  )
}

/** How long ago, kept up to date by `refreshTimes`. @param {string} time ISO */
export const ago = (time) =>
  element(
    'time',
    { datetime: time, title: `${clockTime(time)} (${time})`, 'data-ago': true },
    `${duration(Date.now() - Date.parse(time))} ago`,
  )

/** Brings every relative time on the page up to date. */
export function refreshTimes() {
  for (const time of document.querySelectorAll('time[data-ago]')) {
    time.textContent = `${duration(Date.now() - Date.parse(time.getAttribute('datetime') ?? ''))} ago`
  }
}

/**
 * A button that opens and closes the details below it. What is open stays open when live data rebuilds the line.
 *
 * @param {string} key
 * @param {HTMLElement} details filled by `fill` when it is opened
 * @param {(details: HTMLElement) => void} fill
 * @param {...(Node | string)} label
 */
export function disclosure(key, details, fill, ...label) {
  const button = element(
    'button.line',
    { type: 'button', 'data-line': true, 'data-focus': key, 'aria-controls': details.id },
    ...label,
  )
  const show = () => {
    const open = opened.has(key)
    button.setAttribute('aria-expanded', String(open))
    details.hidden = !open
    if (open && details.childElementCount === 0) fill(details)
  }
  button.addEventListener('click', () => {
    if (!opened.delete(key)) opened.add(key)
    show()
  })
  show()
  return button
}

/** @type {Set<string>} */
const opened = new Set()

/** @type {WeakMap<Element, () => void>} What to do when an element comes into view. */
const waiting = new WeakMap()

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue
    observer.unobserve(target)
    waiting.get(target)?.()
  }
})

/** Runs `work` once, when the element can be seen: what nobody looks at is not asked for. @param {Element} element @param {() => void} work */
export function whenSeen(element, work) {
  waiting.set(element, work)
  observer.observe(element)
}

/** @param {Record<string, string | undefined>} parameters undefined ones are left out */
export function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return new URLSearchParams(/** @type {[string, string][]} */ (given)).toString()
}

/**
 * @param {readonly string[]} heads
 * @param {readonly (readonly (Node | string)[])[]} rows each begins with what it is of
 * @param {readonly string[]} texts heads of columns of text, which begin at the left; figures end at the right
 */
export const table = (heads, rows, texts = []) =>
  element(
    'div.scroll',
    {},
    element(
      'table',
      {},
      element(
        'thead',
        {},
        element(
          'tr',
          {},
          ...heads.map((head) => element(texts.includes(head) ? 'th.text' : 'th', { scope: 'col' }, head)),
        ),
      ),
      element(
        'tbody',
        {},
        ...rows.map(([head, ...cells]) =>
          element(
            'tr',
            {},
            element('th', { scope: 'row' }, head),
            ...cells.map((cell, i) => element(texts.includes(heads[i + 1] ?? '') ? 'td.text' : 'td', {}, cell)),
          ),
        ),
      ),
    ),
  )
