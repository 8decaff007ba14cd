/** Fits an uplift model in a thread of its own: seconds of computing during which nothing else may wait. */

import { parentPort, workerData } from 'node:worker_threads'
import { fitUplift, type UpliftData } from '../domain/effect/uplift.ts'

parentPort?.postMessage(fitUplift(workerData as UpliftData))
