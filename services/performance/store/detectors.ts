/** Detector state as bytes: plain data and typed arrays. */

import { deserialize, serialize } from 'node:v8'
import type { Detector } from '../domain/detector.ts'

export const saveDetector = (detector: Detector): Uint8Array => serialize(detector)

export const loadDetector = (bytes: Uint8Array): Detector => deserialize(bytes)
