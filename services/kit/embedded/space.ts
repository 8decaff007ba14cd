import { statfs } from 'node:fs/promises'
import { describeError } from '../errors.ts'

const MIB = 2 ** 20
/** PostgreSQL ends when it cannot begin another segment of its log, which takes 16 MiB; a table grows beside it. */
const LEAST_FREE_BYTES = 64 * MIB

/** What keeps a folder from taking more data, in words for its owner; undefined when nothing does. */
export async function spaceProblem(folder: string, leastFreeBytes = LEAST_FREE_BYTES): Promise<string | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder)
    const freeBytes = bavail * bsize
    if (freeBytes >= leastFreeBytes) return undefined
    const [free, least] = [freeBytes, leastFreeBytes].map((bytes) => Math.floor(bytes / MIB))
    return `the disk of ${folder} has ${free} MiB left, of ${least} that are needed: make room, and it goes on by itself`
  } catch (error) {
    return describeError(error)
  }
}
