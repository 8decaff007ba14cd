import { manualClock } from '@plimsoll/kit/clock.ts'
import { expect, test } from 'vitest'
import { createSourceLedger, MAX_ENTRIES } from './ledger.ts'

test('a flood of sources is counted together once there are too many, those known before go on by themselves', () => {
  const ledger = createSourceLedger(manualClock(0))
  for (let i = 0; i < MAX_ENTRIES + 500; i++) ledger.acceptEvents(`source-${i}`, 'segment', 1)
  ledger.acceptEvents('source-0', 'segment', 1)
  ledger.refuse('a late one', 'otlp-traces', 'malformed-body', 1, '')

  const entries = ledger.entries()
  expect(entries).toHaveLength(MAX_ENTRIES + 2)
  expect(entries[0]).toMatchObject({ source: 'source-0', counts: { events: 2 } })
  expect(entries.slice(MAX_ENTRIES)).toMatchObject([
    { source: '(others)', protocol: 'segment', counts: { events: 500 } },
    { source: '(others)', protocol: 'otlp-traces' },
  ])
})
