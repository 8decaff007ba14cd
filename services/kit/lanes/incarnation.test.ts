import { expect, test } from 'vitest'
import { checkpointProblem } from './incarnation.ts'

const info = {
  stream: 'METRIC',
  createdAt: '2026-11-23T10:00:00.123456789Z',
  firstSeq: 1,
  lastSeq: 100,
  messages: 100,
  bytes: 1,
  metadata: {},
} as const
const checkpoint = { seq: 40, seqTimeMs: 4_000, incarnation: info.createdAt }

test('invariant 2: a checkpoint of the stream that is there has no problem', () => {
  expect(checkpointProblem(checkpoint, info, 4_000)).toBeUndefined()
})

test('invariant 2: a stream that was made again is noticed, even when it is longer than before', () => {
  const again = { ...info, createdAt: '2026-11-23T11:00:00Z' }
  expect(checkpointProblem(checkpoint, again, 4_000)).toContain('was made again at 2026-11-23T11:00:00Z')
})

test('invariant 2: a stream that ends before the checkpoint is noticed', () => {
  expect(checkpointProblem(checkpoint, { ...info, lastSeq: 39 }, undefined)).toContain('ends at sequence 39')
})

test('invariant 2: a stream restored from a backup and filled again is noticed by the message’s time', () => {
  expect(checkpointProblem(checkpoint, info, 4_001)).toContain('the stream was restored')
})

test('invariant 2: messages that retention took before they were read are noticed', () => {
  expect(checkpointProblem(checkpoint, { ...info, firstSeq: 42 }, undefined)).toContain('are gone by age')
  expect(checkpointProblem(checkpoint, { ...info, firstSeq: 41 }, undefined)).toBeUndefined()
})

test('a lane that has read nothing may start anywhere', () => {
  const fresh = { seq: 0, seqTimeMs: undefined, incarnation: undefined }
  expect(checkpointProblem(fresh, { ...info, firstSeq: 50 }, undefined)).toBeUndefined()
})
