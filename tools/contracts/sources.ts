import { join } from 'node:path'
import { CONTRACTS_FOLDER, publishedSchemas, type SchemaRepository } from './repository.ts'
import { generateSchemas, generateTypes } from './typescript.ts'

export type GeneratedFile = { readonly path: string; readonly text: string }

/** The files that follow from the schemas alone: made first, as the catalogue and the codec stand on them. */
export function generatedSources(repository: SchemaRepository): GeneratedFile[] {
  return [
    {
      path: join(CONTRACTS_FOLDER, 'generated/types.ts'),
      text: generateTypes(repository.current.map((file) => file.schema)),
    },
    { path: join(CONTRACTS_FOLDER, 'generated/schemas.ts'), text: generateSchemas(publishedSchemas(repository)) },
  ]
}
