/** Runs what computes for long in a thread of its own, during which nothing else has to wait. */

import { Worker } from 'node:worker_threads'

/** @param module posts one message, the result, and gets `workerData` */
export function inThread<Result>(module: URL, workerData: unknown): Promise<Result> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(module, { workerData })
    // A process that ends need not wait for it: whoever takes over computes it again.
    worker.unref()
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`The thread of ${module.pathname} ended with code ${code}.`)))
  })
}
