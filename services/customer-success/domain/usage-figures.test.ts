import fc from 'fast-check'
import { expect, test } from 'vitest'
import { personsBy, readFigures, trueFigures } from '../test/usage-truth.ts'
import { dayOf, startOf } from './day.ts'
import { componentsOf, type Link } from './identity.ts'
import { ANY, API_CALLS, blockOf, blockStart, type Cells, weekOf, weekStart } from './usage-cells.ts'
import { addEncoded, decodePerson, encodeCells, encodePerson } from './usage-codec.ts'
import { addUses, countPerson, type Tally } from './usage-figures.ts'
import { addMembership, forgetBefore, type Membership, merged, type Person, partOf, type Use } from './usage-person.ts'

const [FIRST_DAY, LAST_DAY] = [20_000, 20_150]
const END = LAST_DAY + 90
const NODES = [1, 2, 3, 4, 5]
const FEATURES = [ANY, API_CALLS, 3, 4]

type Step =
  | { readonly kind: 'uses'; readonly uses: readonly Use[] }
  | { readonly kind: 'join'; readonly membership: Membership }
  | { readonly kind: 'link' | 'unlink'; readonly link: Link }
  | { readonly kind: 'plan'; readonly account: number; readonly plan: string }
  | { readonly kind: 'erase'; readonly node: number }

const node = fc.integer({ min: 1, max: 5 })
const account = fc.integer({ min: 1, max: 3 })
const day = fc.integer({ min: FIRST_DAY, max: LAST_DAY })
const use = fc.record({
  node,
  account: fc.oneof(fc.constant(0), account),
  feature: fc.constantFrom(...FEATURES.slice(1)),
  day,
  count: fc.integer({ min: 1, max: 3 }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('uses' as const), uses: fc.array(use, { maxLength: 8 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      membership: fc.record({ node, account, atMs: day.map((at) => startOf(at) + 5) }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('link' as const, 'unlink' as const),
      link: fc.tuple(node, node).filter(([a, b]) => a < b),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('plan' as const), account, plan: fc.constantFrom('a', 'b') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('erase' as const), node }) },
)

/** What the store does, on maps: every change of a person or an account is told as the difference it makes. */
function createWorld() {
  const plans = new Map([1, 2, 3].map((number) => [number, 'a']))
  const links: Link[] = []
  const tally: Tally = new Map()
  let persons: Person[] = NODES.map((number) => ({
    isNobody: false,
    nodes: [number],
    memberships: [],
    lists: [],
  }))
  const subjectsOf = (number: number) =>
    number === 0 ? ['all'] : ['all', `account:${number}`, `plan:${plans.get(number)}`]
  const holding = (number: number) => persons.filter(({ nodes }) => nodes.includes(number))
  const retold = (before: readonly Person[], change: () => readonly Person[]) => {
    for (const person of before) countPerson(person, subjectsOf, tally, -1)
    const after = change()
    for (const person of after) countPerson(person, subjectsOf, tally, 1)
    persons = [...persons.filter((person) => !before.includes(person)), ...after]
  }
  /** Takes effect on the persons of two identifiers at once. */
  const relink = ([a, b]: Link) => {
    const before = [...new Set([...holding(a), ...holding(b)])]
    retold(before, () => {
      const all = merged(before)
      return [...componentsOf(all.nodes, links).values()].map((nodes) => partOf(all, new Set(nodes)))
    })
  }
  return {
    tally,
    plans,
    links,
    take(taken: Step): void {
      switch (taken.kind) {
        case 'uses': {
          const byPerson = Map.groupBy(taken.uses, (one) => holding(one.node)[0] as Person)
          for (const [person, uses] of byPerson) {
            const both = uses.flatMap((one) => (one.feature === API_CALLS ? [one] : [one, { ...one, feature: ANY }]))
            addUses(person, both, subjectsOf, tally)
          }
          break
        }
        case 'join': {
          const [person] = holding(taken.membership.node)
          if (person !== undefined) {
            retold([person], () => {
              addMembership(person, taken.membership)
              return [person]
            })
          }
          break
        }
        case 'link':
          links.push(taken.link)
          relink(taken.link)
          break
        case 'unlink':
          links.splice(0, links.length, ...links.filter(([a, b]) => a !== taken.link[0] || b !== taken.link[1]))
          relink(taken.link)
          break
        case 'plan':
          retold([...persons], () => {
            plans.set(taken.account, taken.plan)
            return [...persons]
          })
          break
        case 'erase':
          retold(holding(taken.node), () => holding(taken.node).map(({ nodes }) => ({ ...merged([]), nodes })))
          break
      }
      persons = persons.map((person) => decodePerson(encodePerson(person)))
    },
  }
}

/** The uses and memberships that are left at the end of the steps. */
function remaining(steps: readonly Step[]): { readonly uses: Use[]; readonly memberships: Membership[] } {
  let uses: Use[] = []
  let memberships: Membership[] = []
  let known: Link[] = []
  for (const one of steps) {
    if (one.kind === 'uses') uses.push(...one.uses)
    if (one.kind === 'join') memberships.push(one.membership)
    if (one.kind === 'link') known.push(one.link)
    if (one.kind === 'unlink') known = known.filter(([a, b]) => a !== one.link[0] || b !== one.link[1])
    if (one.kind !== 'erase') continue
    const persons = personsBy(NODES, known)
    const isKept = (of: { readonly node: number }) => persons.get(of.node) !== persons.get(one.node)
    uses = uses.filter(isKept)
    memberships = memberships.filter(isKept)
  }
  return { uses, memberships }
}

test('every cell is right after any stream of uses, joins, merges, splits, moves between plans and erasures', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const world = createWorld()
      for (const one of steps) world.take(one)
      const truth = trueFigures(
        {
          ...remaining(steps),
          links: world.links,
          nodes: NODES,
          groupsOf: (number) => [`plan:${world.plans.get(number)}`],
          accountSubjectOf: (number) => `account:${number}`,
        },
        FIRST_DAY,
        END,
      )
      for (const subject of ['all', 'account:1', 'account:2', 'account:3', 'plan:a', 'plan:b']) {
        const cells: Cells = new Map()
        for (const block of encodeCells(world.tally.get(subject) ?? new Map())) addEncoded(cells, block)
        for (const feature of FEATURES) {
          expect(readFigures(cells, feature, FIRST_DAY, END)).toEqual(truth(subject, feature))
        }
      }
    }),
    { numRuns: 25 },
  )
}, 30_000)

test('weeks and blocks begin on Mondays', () => {
  const monday = dayOf(Date.UTC(2026, 10, 23))
  expect(weekStart(weekOf(monday))).toBe(monday)
  expect(weekOf(monday - 1)).toBe(weekOf(monday) - 1)
  expect(new Date(startOf(blockStart(blockOf(monday)))).getUTCDay()).toBe(1)
})

test('a person whose early days are forgotten keeps its figures, and goes on as if they were known', () => {
  const [whole, trimmed]: [Tally, Tally] = [new Map(), new Map()]
  const personOf = (): Person => ({ isNobody: false, nodes: [1], memberships: [], lists: [] })
  const uses = (...days: number[]): Use[] =>
    days.map((day) => ({ node: 1, account: 0, feature: ANY, day: FIRST_DAY + day, count: 2 }))
  const [one, other] = [personOf(), personOf()]
  for (const [person, tally] of [
    [one, whole],
    [other, trimmed],
  ] as const) {
    addUses(person, uses(0, 5, 90), () => ['all'], tally)
    if (person === other) {
      expect(forgetBefore(person, FIRST_DAY + 4)).toBe(true)
      expect(forgetBefore(person, FIRST_DAY + 4)).toBe(false)
    }
    addUses(person, uses(95, 91, 5), () => ['all'], tally)
  }
  const figures = (tally: Tally) => readFigures(tally.get('all') ?? new Map(), ANY, FIRST_DAY, END)
  expect(figures(trimmed)).toEqual(figures(whole))
  // What is taken back of it is what is still known.
  countPerson(other, () => ['all'], trimmed, -1)
  expect(
    figures(trimmed)
      .events.map((count, i) => count * (i + 1))
      .reduce((sum, n) => sum + n, 0),
  ).toBe(2)
})
