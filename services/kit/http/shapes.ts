import { type TSchema, Type } from 'typebox'

/** What is told as null where it is not known. */
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** A moment, as ISO 8601 with its offset. */
export const time = (description: string) => Type.String({ format: 'date-time', description })
