import { generateReference } from './reference.ts'
import { REFERENCE_PAGE, type SchemaRepository } from './repository.ts'
import { type GeneratedFile, generatedSources } from './sources.ts'

/** Every generated file, with the reference page, for which the catalogue must know every event. */
export function generatedFiles(repository: SchemaRepository): GeneratedFile[] {
  return [...generatedSources(repository), { path: REFERENCE_PAGE, text: generateReference(repository.current) }]
}
