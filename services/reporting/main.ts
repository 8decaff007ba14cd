import { run } from '@plimsoll/kit/run.ts'
import { reporting } from './service.ts'

await run([reporting])
