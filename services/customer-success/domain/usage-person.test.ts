import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dayOf, startOf } from './day.ts'
import { componentsOf, type Link } from './identity.ts'
import { WINDOWS } from './rolling.ts'
import {
  ANY,
  API_CALLS,
  BLOCK_DAYS,
  blockOf,
  blockStart,
  type Cells,
  COHORT_BLOCKS,
  COHORT_WEEKS,
  daysBetween,
  rangesBetween,
  series,
  valueAt,
  weekOf,
  weekStart,
} from './usage-cells.ts'
import { addEncoded, decodePerson, encodeCells, encodePerson } from './usage-codec.ts'
import {
  accountAt,
  addMembership,
  addUses,
  type Membership,
  merged,
  type Person,
  partOf,
  type Tally,
  tell,
  type Use,
} from './usage-person.ts'

const [FIRST_DAY, LAST_DAY] = [20_000, 20_150]
const END = LAST_DAY + 90
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
  let persons: Person[] = [1, 2, 3, 4, 5].map((number) => ({
    isNobody: false,
    nodes: [number],
    memberships: [],
    lists: [],
  }))
  const subjectsOf = (number: number) =>
    number === 0 ? ['all'] : ['all', `account:${number}`, `plan:${plans.get(number)}`]
  const holding = (number: number) => persons.filter(({ nodes }) => nodes.includes(number))
  const retold = (before: readonly Person[], change: () => readonly Person[]) => {
    for (const person of before) tell(person, subjectsOf, tally, -1)
    const after = change()
    for (const person of after) tell(person, subjectsOf, tally, 1)
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

/** Everything counted from the steps alone, by the definitions. */
function truthOf(steps: readonly Step[], links: readonly Link[], plans: ReadonlyMap<number, string>) {
  const uses: Use[] = []
  const memberships: Membership[] = []
  const known: Link[] = []
  for (const one of steps) {
    if (one.kind === 'uses') uses.push(...one.uses)
    if (one.kind === 'join') memberships.push(one.membership)
    if (one.kind === 'link') known.push(one.link)
    if (one.kind === 'unlink') {
      known.splice(0, known.length, ...known.filter(([a, b]) => a !== one.link[0] || b !== one.link[1]))
    }
    if (one.kind === 'erase') {
      const erased = personsBy(known).get(one.node)
      const kept = ({ node: of }: { readonly node: number }) => personsBy(known).get(of) !== erased
      uses.splice(0, uses.length, ...uses.filter(kept))
      memberships.splice(0, memberships.length, ...memberships.filter(kept))
    }
  }
  const personOf = personsBy(links)
  const of = (one: Use) => personOf.get(one.node) ?? 0
  const accountOf = (one: Use) => {
    if (one.account !== 0) return one.account
    const own = memberships.filter((m) => personOf.get(m.node) === of(one))
    return accountAt(
      own.sort((a, b) => a.atMs - b.atMs || a.account - b.account),
      one.day,
    )
  }
  const subjects = ['all', 'account:1', 'account:2', 'account:3', 'plan:a', 'plan:b']
  const isIn = (subject: string, number: number) =>
    subject === 'all' || subject === `account:${number}` || (number !== 0 && subject === `plan:${plans.get(number)}`)
  return { uses, of, accountOf, subjects, isIn }
}

function personsBy(links: readonly Link[]): Map<number, number> {
  const persons = new Map<number, number>()
  for (const [person, nodes] of componentsOf([1, 2, 3, 4, 5], links)) for (const one of nodes) persons.set(one, person)
  return persons
}

test('every cell is right after any stream of uses, joins, merges, splits, moves between plans and erasures', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const world = createWorld()
      for (const one of steps) world.take(one)
      const { uses, of, accountOf, subjects, isIn } = truthOf(steps, world.links, world.plans)
      for (const subject of subjects) {
        const cells: Cells = new Map()
        for (const block of encodeCells(world.tally.get(subject) ?? new Map())) addEncoded(cells, block)
        for (const feature of FEATURES) {
          const own = uses.filter(
            (one) =>
              isIn(subject, accountOf(one)) && (feature === ANY ? one.feature !== API_CALLS : one.feature === feature),
          )
          const events = new Array<number>(END - FIRST_DAY + 1).fill(0)
          for (const one of own) events[one.day - FIRST_DAY] = (events[one.day - FIRST_DAY] ?? 0) + one.count
          expect([...daysBetween(cells, feature, series.events, FIRST_DAY, END)]).toEqual(events)
          const byPerson = Map.groupBy(own, of)
          const daysOf = [...byPerson.values()].map((mine) => [...new Set(mine.map((one) => one.day))])
          const widths = feature === API_CALLS ? [] : feature !== ANY && subject.startsWith('account:') ? [28] : WINDOWS
          for (const width of WINDOWS) {
            const counts = Array.from({ length: END - FIRST_DAY + 1 }, (_, i) => {
              const t = FIRST_DAY + i
              return widths.some((kept) => kept === width)
                ? daysOf.filter((days) => days.some((one) => one > t - width && one <= t)).length
                : 0
            })
            expect([...rangesBetween(cells, feature, series.window(width), FIRST_DAY, END)]).toEqual(counts)
          }
          if (feature === API_CALLS) continue
          const firsts = daysOf.map((days) => Math.min(...days))
          const firstOn = Array.from(events, (_, i) => firsts.filter((first) => first === FIRST_DAY + i).length)
          expect([...daysBetween(cells, feature, series.firsts, FIRST_DAY, END)]).toEqual(firstOn)
          if (feature === ANY) expectHabits(cells, daysOf)
        }
      }
    }),
    { numRuns: 40 },
  )
})

/** Active days, and the weeks and blocks after the first, as [when, how many, persons] of those that are not 0. */
function expectHabits(cells: Cells, daysOf: readonly (readonly number[])[]): void {
  const expected = {
    days: new Map<string, number>(),
    weeks: new Map<string, number>(),
    blocks: new Map<string, number>(),
  }
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
  for (const days of daysOf) {
    const first = Math.min(...days)
    for (const week of new Set(days.map(weekOf))) count(expected.weeks, `${week} ${week - weekOf(first)}`)
    for (const block of new Set(days.map(blockOf))) {
      count(expected.blocks, `${block} ${block - blockOf(first)}`)
      count(expected.days, `${block} ${days.filter((day) => blockOf(day) === block).length}`)
    }
  }
  const found = { days: new Map<string, number>(), weeks: new Map<string, number>(), blocks: new Map<string, number>() }
  const read = (counts: Map<string, number>, key: string, number: number, day: number) => {
    const n = valueAt(cells, ANY, number, day)
    if (n !== 0) counts.set(key, n)
  }
  for (let block = blockOf(FIRST_DAY); block <= blockOf(LAST_DAY); block++) {
    const at = blockStart(block)
    for (let days = 1; days <= BLOCK_DAYS; days++) read(found.days, `${block} ${days}`, series.activeDays(days), at)
    for (let after = 0; after < COHORT_BLOCKS; after++) {
      read(found.blocks, `${block} ${after}`, series.blocksAfter(after), at)
    }
  }
  for (let week = weekOf(FIRST_DAY); week <= weekOf(LAST_DAY); week++) {
    for (let after = 0; after < COHORT_WEEKS; after++) {
      read(found.weeks, `${week} ${after}`, series.weeksAfter(after), weekStart(week))
    }
  }
  expect(found).toEqual(expected)
}

test('weeks and blocks begin on Mondays', () => {
  const monday = dayOf(Date.UTC(2026, 10, 23))
  expect(weekStart(weekOf(monday))).toBe(monday)
  expect(weekOf(monday - 1)).toBe(weekOf(monday) - 1)
  expect(new Date(startOf(blockStart(blockOf(monday)))).getUTCDay()).toBe(1)
})
