import { AppError } from '@plimsoll/kit/errors.ts'

/**
 * Runs a tool: what a person can mend is said in a sentence, with the usage when the arguments were wrong (exit code 2);
 * anything else is a defect and keeps its stack.
 */
export async function runCommand(usage: string, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    // parseArgs refuses an option with a TypeError that has a code.
    const misused =
      error instanceof AppError ? error.code === 'bad-request' : error instanceof TypeError && 'code' in error
    if (!misused && !(error instanceof AppError)) throw error
    console.error(misused ? `${(error as Error).message}\n\n${usage}` : (error as Error).message)
    process.exitCode = misused ? 2 : 1
  }
}
