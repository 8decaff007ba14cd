import { type Kysely, sql } from 'kysely'

/** Examples of refused usage quoted what was sent, which may name a person. They no longer do; the old ones go. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    update source_refusal set last_example = ''
    where reason in ('invalid-fact', 'invalid-time', 'text-too-long', 'malformed-body')`.execute(db)
}
