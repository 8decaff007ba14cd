// @ts-check
/**
 * Pictures as plain data: drawn without a document, so that tests and reports can use the same code as the page.
 *
 * @typedef {{ readonly tag: string, readonly attributes: Readonly<Record<string, string>>, readonly children: readonly (Shape | string)[] }} Shape
 */

/**
 * @param {string} tag
 * @param {Record<string, string | number | undefined>} attributes numbers are rounded to 2 places; undefined is left out
 * @param {...(Shape | string | undefined)} children
 * @returns {Shape}
 */
export function shape(tag, attributes, ...children) {
  /** @type {Record<string, string>} */
  const texts = {}
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) texts[name] = typeof value === 'number' ? String(Math.round(value * 100) / 100) : value
  }
  return { tag, attributes: texts, children: children.filter((child) => child !== undefined) }
}

/** @param {Shape} picture @returns {string} */
export function toText({ tag, attributes, children }) {
  const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(value)}"`)
  const inner = children.map((child) => (typeof child === 'string' ? escaped(child) : toText(child)))
  return `<${tag}${written.join('')}>${inner.join('')}</${tag}>`
}

/** @param {Shape} picture @returns {SVGElement} */
export function toElement({ tag, attributes, children }) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  for (const child of children) element.append(typeof child === 'string' ? child : toElement(child))
  return element
}

/** @type {Readonly<Record<string, string>>} */
const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** @param {string} text */
const escaped = (text) => text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character)
