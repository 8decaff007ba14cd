/** What performs the effects of one kind, and how it tells what came of an attempt. */

export type Performed =
  | { readonly kind: 'done'; readonly answer: string }
  /** It did not happen. `final`: it never will, do not try again. */
  | { readonly kind: 'failed'; readonly answer: string; readonly final: boolean; readonly retryAfterMs?: number }
  /** It may have happened. */
  | { readonly kind: 'unsure'; readonly answer: string }
  /** It should no longer happen. */
  | { readonly kind: 'cancelled'; readonly answer: string }

export type Performer = {
  /**
   * Whether the receiver folds repeats (by the effect's key), so that an attempt of unknown outcome is simply repeated.
   * Otherwise such an effect is held as `unsure` until a person decides.
   */
  readonly repeatable: boolean
  /** One attempt, over within `ATTEMPT_MS`. Something thrown counts as `unsure`. */
  perform(effect: { readonly key: string; readonly payload: unknown }): Promise<Performed>
}

/** An attempt's whole time. Well below the claim's, so that what runs out of its claim is dead and not slow. */
export const ATTEMPT_MS = 15_000
