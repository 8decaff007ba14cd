import { run } from '@plimsoll/kit/run.ts'
import { performance } from './service.ts'

await run([performance])
