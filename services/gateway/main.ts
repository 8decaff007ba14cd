import { run } from '@plimsoll/kit/run.ts'
import { gateway } from './service.ts'

await run([gateway])
