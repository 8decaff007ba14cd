export type ContractErrorCode =
  /** Bytes that are no single-object encoding, end early, or go on after the record. */
  | 'contract.malformed'
  /** A fingerprint that no published schema has. */
  | 'contract.unknown_schema'
  /** A value or batch that its own schema or columns contradict. */
  | 'contract.invalid'

/** What every refusal of this package throws. Repeating the call never helps: a worker treats it as poison. */
export class ContractError extends Error {
  readonly code: ContractErrorCode

  constructor(code: ContractErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ContractError'
    this.code = code
  }
}
