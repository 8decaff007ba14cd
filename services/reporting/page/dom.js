// @ts-check
/**
 * Builds an element. Text is always set as text; nothing is ever parsed as HTML.
 *
 * @param {string} tag with classes: `p.reason`
 * @param {Record<string, string | number | boolean | undefined | ((event: any) => void)>} attributes
 *   functions become listeners of the event they are named after
 * @param {...(Node | string | undefined)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes, ...children) {
  const [name = 'div', ...classes] = tag.split('.')
  const created = document.createElement(name)
  if (classes.length > 0) created.className = classes.join(' ')
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') created.addEventListener(key, value)
    else if (value === true) created.setAttribute(key, '')
    else if (value !== undefined && value !== false) created.setAttribute(key, String(value))
  }
  for (const child of children) if (child !== undefined) created.append(child)
  return created
}

/**
 * An element of index.html.
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no element #${id}.`)
  return found
}

/**
 * Shows `items` as children of `parent`, in order. A child whose item has not changed is left alone; one that has is
 * built anew and keeps the focus, if it was on something inside it that carries `data-focus`.
 *
 * @template Item
 * @param {HTMLElement} parent
 * @param {readonly Item[]} items
 * @param {(item: Item) => string} keyOf
 * @param {(item: Item) => HTMLElement} build
 */
export function showList(parent, items, keyOf, build) {
  const present = new Map([...parent.children].map((child) => [child.getAttribute('data-key'), child]))
  const isFirst = present.size === 0
  const focused = document.activeElement?.closest('[data-focus]')?.getAttribute('data-focus')
  /** @type {ChildNode | null} */
  let place = parent.firstChild
  for (const item of items) {
    const key = keyOf(item)
    const print = JSON.stringify(item)
    let child = present.get(key)
    if (child === undefined || prints.get(child) !== print) {
      const built = build(item)
      built.setAttribute('data-key', key)
      prints.set(built, print)
      if (child === undefined && !isFirst) built.classList.add('new')
      else if (child === place) place = child.nextSibling
      child?.remove()
      child = built
    }
    present.delete(key)
    if (child === place) place = child.nextSibling
    else parent.insertBefore(child, place)
  }
  for (const gone of present.values()) gone.remove()
  if (focused && document.activeElement === document.body) {
    const again = parent.querySelector(`[data-focus="${CSS.escape(focused)}"]`)
    if (again instanceof HTMLElement) again.focus()
  }
}

/** @type {WeakMap<Element, string>} What each shown child was built from. */
const prints = new WeakMap()
