import type { AccountState } from '../domain/playbook/account-state.ts'
import type { PlaybookReader } from '../store/playbooks.ts'

/** Where playbooks learn of accounts: states at the end of days that are over and scored. */
export type AccountStates = {
  /** The last such day; undefined before the first. */
  latestDay(reader: PlaybookReader): Promise<number | undefined>
  /** Of all accounts, or of some. */
  at(reader: PlaybookReader, day: number, accountIds?: readonly string[]): Promise<AccountState[]>
}
