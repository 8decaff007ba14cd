import { run } from '@plimsoll/kit/run.ts'
import { customerSuccess } from './service.ts'

await run([customerSuccess])
