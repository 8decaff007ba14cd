/** Fits a model in a thread of its own: tens of seconds of computing during which nothing else may wait. */

import { parentPort, workerData } from 'node:worker_threads'
import { fitCandidate, labelledRows } from '../domain/learn/candidate.ts'
import type { FitTask } from './model-train.ts'

const { history, today, incumbent } = workerData as FitTask
parentPort?.postMessage(fitCandidate(labelledRows(history, today), incumbent))
