/** Who is calling: an API key, an OIDC subject, or the local user of a loopback-only installation. */
export type Principal = {
  readonly kind: 'api-key' | 'oidc' | 'local'
  /** Key name or subject: what audit rows and telemetry sources are named after. */
  readonly name: string
  readonly permissions: ReadonlySet<string>
}
