import type { Kysely, Transaction } from 'kysely'

/** Kysely over the service's worker pool; its `search_path` is the service's own schema. */
export type WorkerDatabase<Tables> = Kysely<Tables>

/** Kysely over the reader pool, with everything that writes taken out of its type. */
export type ReaderDatabase<Tables> = Pick<Kysely<Tables>, 'selectFrom' | 'with' | 'fn' | 'dynamic' | 'selectNoFrom'>

/** The transaction a worker commits its checkpoint in. Tables are the service's; the cast is made in `store/`. */
export type WorkerTransaction = Transaction<unknown> & { readonly __worker?: never }
