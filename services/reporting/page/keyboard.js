// @ts-check
/**
 * Single keys for everything a page does; `j`, `k` and the arrows move between lines, which are elements with
 * `data-line`. Keys typed into a field, or together with Ctrl, Alt or Meta, are left to the browser.
 *
 * @param {Readonly<Record<string, () => void>>} actions by the key, or by `g` and the key that follows it
 */
export function installKeys(actions) {
  let leader = ''
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return
    if (event.target instanceof HTMLElement && event.target.closest('input, textarea, select, dialog, pre')) return
    const key = leader + event.key
    leader = key === 'g' ? 'g' : ''
    if (key === 'j' || key === 'ArrowDown') moveLine(1, event)
    else if (key === 'k' || key === 'ArrowUp') moveLine(-1, event)
    const action = Object.hasOwn(actions, key) ? actions[key] : undefined
    if (action === undefined) return
    // The key must not be typed into what it moves to.
    event.preventDefault()
    action()
  })
}

/** @param {1 | -1} by @param {KeyboardEvent} event */
function moveLine(by, event) {
  const lines = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[data-line]')])
  const here = lines.indexOf(/** @type {HTMLElement} */ (document.activeElement))
  // The arrow keys scroll as usual until a line has the focus.
  if (here < 0 && event.key.startsWith('Arrow')) return
  const next = lines[here < 0 ? 0 : here + by]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
  next.closest('li')?.scrollIntoView({ block: 'nearest' })
}

/** @param {string} list */
export function focusFirst(list) {
  const first = document.querySelector(`${list} [data-line]`)
  if (first instanceof HTMLElement) first.focus()
}
