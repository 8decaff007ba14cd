/** Rows of adoption and lag, as queries see them. */

export type AdoptionDefinitionTable = { feature: string; uses: number; window_days: number }

export type AdoptionTable = {
  account_id: string
  feature: string
  adopted_day: number
  /** Uses in the window that made it so. */
  uses: number
  window_days: number
}

export type AdoptionLagTable = {
  account_id: string
  feature: string
  raised_day: number
  /** By when most of those it was compared with had adopted it, and how many did. */
  usual_days: number
  adopters: number
  closed_day: number | null
  /** `void`: it left, or the feature is no core feature of its plan any more. */
  outcome: 'adopted' | 'void' | null
}

export type AdoptionTables = {
  adoption_definition: AdoptionDefinitionTable
  adoption: AdoptionTable
  adoption_lag: AdoptionLagTable
  adoption_day: { day: number }
}
