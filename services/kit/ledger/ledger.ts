/**
 * Side effects that no transaction can hold: intent, effect, outcome. The intent is written with the decision, a runner
 * performs it (runner.ts), and every attempt is kept with its answer. What a crash leaves between effect and outcome is
 * tried again or held for a person, as the performer declares.
 */

import { sql } from 'kysely'
import { bulkUpsert } from '../db/bulk.ts'
import type { ReaderDatabase, WorkerDatabase, WorkerTransaction } from '../db/database.ts'

export type Intent = {
  /** Deterministic: a decision taken twice intends once. Receivers see it as the idempotency key. */
  readonly key: string
  /** Names the performer. */
  readonly kind: string
  /** What it was decided for, to list by. */
  readonly about: string
  readonly payload: unknown
  /** Attempts before it is dead. */
  readonly tries: number
}

/**
 * `waiting` for its (next) attempt, `running`, `done`, `dead` after its last attempt, `cancelled` by its performer, or
 * `unsure`: it may have happened, must not happen twice, and waits for a person's word.
 */
export type EffectState = 'waiting' | 'running' | 'done' | 'dead' | 'cancelled' | 'unsure'

export type Effect = Omit<Intent, 'tries'> & {
  readonly state: EffectState
  /** Why it is dead, cancelled, unsure or tried again. */
  readonly reason: string
  readonly attempts: number
  readonly intendedAt: Date
}

export type Attempt = {
  readonly attempt: number
  readonly startedAt: Date
  /** Undefined while it runs, or when its process died. */
  readonly endedAt: Date | undefined
  readonly outcome: string | undefined
  readonly answer: string | undefined
}

/**
 * Intends effects, in the transaction of the decision.
 * @example await intend(tx, timeMs, [{ key: 'welcome:7', kind: 'mail', about: 'account 7', payload: mail, tries: 8 }])
 */
export async function intend(tx: WorkerTransaction, timeMs: number, intents: readonly Intent[]): Promise<void> {
  const text = (name: 'key' | 'kind' | 'about') => ({
    name,
    type: 'text' as const,
    values: intents.map((intent) => intent[name]),
  })
  await bulkUpsert(tx, {
    table: 'effect',
    key: ['key'],
    onConflict: 'keep',
    columns: [
      ...[text('key'), text('kind'), text('about')],
      { name: 'payload', type: 'jsonb', values: intents.map(({ payload }) => payload) },
      { name: 'tries_left', type: 'int4', values: intents.map(({ tries }) => tries) },
      { name: 'intended_at', type: 'timestamptz', values: intents.map(() => timeMs) },
    ],
  })
}

type LedgerTables = {
  effect: {
    key: string
    kind: string
    about: string
    payload: unknown
    state: EffectState
    reason: string
    attempts: number
    intended_at: Date
  }
  effect_attempt: {
    key: string
    attempt: number
    started_at: Date
    ended_at: Date | null
    outcome: string | null
    answer: string | null
  }
}

// biome-ignore lint/suspicious/noExplicitAny: Kysely is invariant in its tables, and a service's types leave kit's out
type AnyReader = ReaderDatabase<any>

/** The ledger's tables, which are in every service's schema beside its own. */
const ledger = (reader: AnyReader) => reader as ReaderDatabase<LedgerTables>

export type EffectFilter = {
  readonly state?: EffectState
  readonly about?: string
  readonly before?: { readonly intendedAt: Date; readonly key: string }
}

/** Effects, newest first. */
export async function listEffects(
  reader: AnyReader,
  { state, about, before }: EffectFilter,
  limit: number,
): Promise<Effect[]> {
  let query = ledger(reader)
    .selectFrom('effect')
    .select(['key', 'kind', 'about', 'payload', 'state', 'reason', 'attempts', 'intended_at as intendedAt'])
    .orderBy('intended_at', 'desc')
    .orderBy('key', 'desc')
    .limit(limit)
  if (state !== undefined) query = query.where('state', '=', state)
  if (about !== undefined) query = query.where('about', '=', about)
  if (before !== undefined)
    query = query.where(sql<boolean>`(intended_at, key) < (${before.intendedAt}, ${before.key})`)
  return await query.execute()
}

/** Every attempt at an effect with its answer, first to last. */
export async function attemptsAt(reader: AnyReader, key: string): Promise<Attempt[]> {
  const rows = await ledger(reader)
    .selectFrom('effect_attempt')
    .selectAll()
    .where('key', '=', key)
    .orderBy('attempt')
    .execute()
  return rows.map(({ attempt, started_at, ended_at, outcome, answer }) => ({
    attempt,
    startedAt: started_at,
    endedAt: ended_at ?? undefined,
    outcome: outcome ?? undefined,
    answer: answer ?? undefined,
  }))
}

/**
 * A person's word on an effect that stopped: `retry` gives it one more attempt, `confirm` says that it has happened. False
 * when there is no such effect, or it is not dead, unsure or cancelled.
 */
export async function decideEffect(tx: WorkerTransaction, key: string, word: 'retry' | 'confirm'): Promise<boolean> {
  const change =
    word === 'retry'
      ? sql`state = 'waiting', tries_left = 1, due_at = now()`
      : sql`state = 'done', reason = 'confirmed by hand'`
  const { numAffectedRows } = await sql`
    update effect set ${change} where key = ${key} and state in ('dead', 'unsure', 'cancelled')`.execute(tx)
  return numAffectedRows === 1n
}

/** An attempt that was begun: whoever claimed it performs it and settles it. */
export type Claimed = {
  readonly key: string
  readonly kind: string
  readonly about: string
  readonly payload: unknown
  readonly attempt: number
  readonly triesLeft: number
}

/** Begins attempts at what is due, for `claimMs`; no two processes get the same. */
export async function claimDue(
  db: WorkerDatabase<unknown>,
  kinds: readonly string[],
  { limit, claimMs }: { readonly limit: number; readonly claimMs: number },
): Promise<Claimed[]> {
  const { rows } = await sql<Claimed>`
    with due as (
      select key from effect
      where state = 'waiting' and due_at <= now() and kind = any(${kinds})
      order by due_at limit ${limit} for update skip locked
    ), claimed as (
      update effect set state = 'running', attempts = attempts + 1, tries_left = tries_left - 1,
        due_at = now() + ${claimMs} * interval '1 millisecond'
      from due where effect.key = due.key
      returning effect.key, kind, about, payload, attempts as attempt, tries_left as "triesLeft"
    ), begun as (
      insert into effect_attempt (key, attempt) select key, attempt from claimed
    )
    select * from claimed`.execute(db)
  return rows
}

/** What an attempt came to; `waiting` with the time until the next. */
export type Settlement = {
  readonly state: Exclude<EffectState, 'running'>
  readonly outcome: string
  readonly answer: string
  readonly dueInMs: number
}

/** Writes an attempt's outcome. False when the attempt was given up meanwhile: its claim had run out. */
export async function settle(db: WorkerDatabase<unknown>, claimed: Claimed, to: Settlement): Promise<boolean> {
  const { rows } = await sql`
    with settled as (
      update effect set state = ${to.state}, due_at = now() + ${to.dueInMs} * interval '1 millisecond',
        reason = ${to.state === 'done' ? '' : to.answer}
      where key = ${claimed.key} and attempts = ${claimed.attempt} and state = 'running'
      returning key
    )
    update effect_attempt set ended_at = now(), outcome = ${to.outcome}, answer = ${to.answer}
    from settled where effect_attempt.key = settled.key and attempt = ${claimed.attempt}
    returning 1`.execute(db)
  return rows.length === 1
}

/**
 * Takes up what dead processes left between effect and outcome: repeatable kinds are tried again while they have tries
 * left, for it may be the effect that ends its process; others are unsure. Returns what it took up.
 */
export async function takeUpLost(
  db: WorkerDatabase<unknown>,
  kinds: { readonly repeatable: readonly string[]; readonly all: readonly string[] },
): Promise<{ key: string; kind: string; state: EffectState }[]> {
  const { rows } = await sql<{ key: string; kind: string; state: EffectState }>`
    update effect set
      state = case when kind <> all(${kinds.repeatable}) then 'unsure' when tries_left > 0 then 'waiting' else 'dead' end,
      due_at = now(),
      reason = 'its process ended between the attempt and its outcome'
    where state = 'running' and due_at < now() and kind = any(${kinds.all})
    returning key, kind, state`.execute(db)
  return rows
}
