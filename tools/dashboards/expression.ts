/** One mention of a metric in a PromQL expression. */
export type Mention = {
  readonly metric: string
  /** The function it is the direct argument of: `rate` in `rate(x[5m])`, undefined when there is none. */
  readonly within: string | undefined
  /** The range behind it, `5m` in `x[5m]`. */
  readonly range: string | undefined
}

const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g
const keywords = new Set(['and', 'or', 'unless', 'bool', 'offset', 'atan2', 'inf', 'nan', 'by', 'without'])

/**
 * The metrics an expression reads, by a scan for names: whether it parses is for Prometheus to say.
 * @example mentionsOf('sum by (a) (rate(x_total{a="b"}[$__rate_interval]))')
 * // [{ metric: 'x_total', within: 'rate', range: '$__rate_interval' }]
 */
export function mentionsOf(expression: string): Mention[] {
  const bare = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\{[^{}]*\}/g, '')
    .replace(grouping, ' ')
  const found = bare.matchAll(/(?:(\w+)\s*\(\s*)?(?<![\w:$[])([a-zA-Z_:][\w:]*)(?!\w)(?!\s*\()\s*(?:\[([^\]]*)\])?/g)
  return [...found]
    .map(([, within, metric = '', range]) => ({ metric, within, range }))
    .filter(({ metric }) => !keywords.has(metric.toLowerCase()))
}
