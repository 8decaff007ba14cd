/** Fits a model in a thread of its own: tens of seconds of computing during which nothing else may wait. */

import { parentPort, workerData } from 'node:worker_threads'
import { fitNight, labelledRows } from '../domain/learn/night.ts'
import type { FitTask } from './model-train.ts'

const { history, today, incumbent } = workerData as FitTask
parentPort?.postMessage(fitNight(labelledRows(history, today), incumbent))
