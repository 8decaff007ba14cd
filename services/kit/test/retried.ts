import { isTransient } from '../errors.ts'

/** Does the work again for as long as it fails for a reason that may pass: what a test has to do while servers are away. */
export async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isTransient(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
