import type { StreamInfo } from '../log/log.ts'
import type { Checkpoint } from './lease.ts'

/**
 * Whether a checkpoint still belongs to the stream that is there (invariant 2). Brokers start past the end of a stream
 * without a word, and a stream that was made again starts at 1, so a reader that trusts its sequence skips messages.
 * @param messageTimeMs broker's time of the message at the checkpoint, undefined when there is none any more.
 * @returns what is wrong, as a sentence for the operator; undefined when reading may go on.
 */
export function checkpointProblem(
  { seq, seqTimeMs, incarnation }: Checkpoint,
  info: StreamInfo,
  messageTimeMs: number | undefined,
): string | undefined {
  if (seq === 0) return undefined
  const { stream, createdAt, firstSeq, lastSeq } = info
  if (incarnation !== undefined && incarnation !== createdAt) {
    return `stream ${stream} was made again at ${createdAt} (this lane has read the one of ${incarnation})`
  }
  if (lastSeq < seq) {
    return `stream ${stream} ends at sequence ${lastSeq}, before this lane's checkpoint ${seq}: it was restored or cut`
  }
  if (messageTimeMs !== undefined && seqTimeMs !== undefined && messageTimeMs !== seqTimeMs) {
    const [stored, read] = [messageTimeMs, seqTimeMs].map((time) => new Date(time).toISOString())
    return `message ${seq} of stream ${stream} is from ${stored}, but this lane has read one from ${read}: the stream was restored`
  }
  if (firstSeq > seq + 1) {
    return `stream ${stream} begins at sequence ${firstSeq}: messages after this lane's checkpoint ${seq} are gone by age`
  }
  return undefined
}
