import { Type } from 'typebox'

export const day = (description: string) => Type.String({ format: 'date', description })

/** An interval of the calendar. */
export const intervalOf = <Kind extends string>(kinds: readonly Kind[], usual: Kind) =>
  Type.Union(
    kinds.map((kind) => Type.Literal(kind)),
    { default: usual, description: `${kinds.join(', ')}; a month is four weeks.` },
  )
