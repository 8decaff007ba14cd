/** Which identifiers are one person. */

/** Two identifiers said to be the same person's. */
export type Link = readonly [a: number, b: number]

/**
 * Identifiers by person: those that links connect, under the smallest of them.
 * @example componentsOf([1, 2, 3], [[2, 3]]) // Map { 1 => [1], 2 => [2, 3] }
 */
export function componentsOf(nodes: readonly number[], links: readonly Link[]): Map<number, number[]> {
  const parent = new Map(nodes.map((node) => [node, node]))
  const rootOf = (node: number): number => {
    let root = node
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up
    parent.set(node, root)
    return root
  }
  for (const [a, b] of links) {
    const [one, other] = [rootOf(a), rootOf(b)]
    parent.set(Math.max(one, other), Math.min(one, other))
  }
  return Map.groupBy(
    [...nodes].sort((a, b) => a - b),
    rootOf,
  )
}
