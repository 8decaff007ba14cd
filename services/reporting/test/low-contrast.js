// @ts-check
// Run in the page: the texts that stand out from their background by less than WCAG 2.2 AA asks (4.5:1).
;(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })

  /** @param {string} colour any CSS colour @returns {number[]} */
  const rgba = (colour) => {
    if (canvas === null) return []
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }

  /** WCAG 2.2, "relative luminance". @param {readonly number[]} colour */
  const luminance = (colour) => {
    const [r = 0, g = 0, b = 0] = colour.map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }

  /** @param {Element} element */
  const background = (element) => {
    for (let at = /** @type {Element | null} */ (element); at !== null; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor)
      if ((colour[3] ?? 0) > 250) return colour
    }
    return [255, 255, 255, 255]
  }

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  /** @type {string[]} */
  const found = []
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const element = node.parentElement
    const text = node.textContent?.trim()
    if (element === null || !text || !element.checkVisibility()) continue
    const style = getComputedStyle(element)
    const colour = rgba(element instanceof SVGElement ? style.fill : style.color)
    const [lighter = 0, darker = 0] = [luminance(colour), luminance(background(element))].sort((a, b) => b - a)
    const ratio = (lighter + 0.05) / (darker + 0.05)
    if (ratio < 4.5) found.push(`${text}: ${ratio.toFixed(2)}`)
  }
  return found
})()
