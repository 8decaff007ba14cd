import { join } from 'node:path'
import { CONTRACTS_FOLDER, publishedSchemas, readRepository, writeText } from './repository.ts'
import { generateSchemas, generateTypes } from './typescript.ts'

const repository = readRepository()
writeText(join(CONTRACTS_FOLDER, 'generated/types.ts'), generateTypes(repository.current.map((file) => file.schema)))
writeText(join(CONTRACTS_FOLDER, 'generated/schemas.ts'), generateSchemas(publishedSchemas(repository)))
