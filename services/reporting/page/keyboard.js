// @ts-check
/**
 * Single keys for everything the page does. Lines are elements with `data-line`; keys typed into a field, or together
 * with Ctrl, Alt or Meta, are left to the browser.
 *
 * @param {{ toggleTheme: () => void, openHelp: () => void }} actions
 */
export function installKeys({ toggleTheme, openHelp }) {
  let leader = ''
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return
    if (event.target instanceof HTMLElement && event.target.closest('input, textarea, select, dialog, pre')) return
    const key = leader + event.key
    leader = ''
    switch (key) {
      case 'j':
      case 'ArrowDown':
        moveLine(1, event)
        break
      case 'k':
      case 'ArrowUp':
        moveLine(-1, event)
        break
      case 'g':
        leader = 'g'
        break
      case 'gs':
        focusFirst('#services')
        break
      case 'gr':
        focusFirst('#open')
        break
      case 't':
        toggleTheme()
        break
      case '?':
        openHelp()
        event.preventDefault()
        break
      default:
    }
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
function focusFirst(list) {
  const first = document.querySelector(`${list} [data-line]`)
  if (first instanceof HTMLElement) first.focus()
}
