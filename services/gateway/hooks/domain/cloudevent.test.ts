import { expect, test } from 'vitest'
import { cloudEvent, cloudEventBatch } from './cloudevent.ts'

const reception = { source: 'bus', receivedAt: Date.UTC(2026, 10, 23, 12), service: '', environment: '' }

const deployed = {
  specversion: '1.0',
  id: '271069a8',
  source: '/event/source/123',
  type: 'dev.cdevents.service.deployed.0.2.0',
  data: {
    context: {
      version: '0.4.1',
      id: '271069a8',
      source: '/event/source/123',
      type: 'dev.cdevents.service.deployed.0.2.0',
      timestamp: '2026-11-23T10:00:00Z',
    },
    subject: {
      id: '/namespace/prod/checkout',
      type: 'service',
      content: { environment: { id: 'prod' }, artifactId: 'pkg:oci/checkout@sha256%3A0b31b1c0?tag=1.4.0' },
    },
  },
}

const firing = {
  specversion: '1.0',
  id: '1',
  source: '/rules',
  type: 'plimsoll.incident.v1.AlertReceived',
  data: { labels: { alertname: 'A', service: 'checkout' }, startsAt: '2026-11-23T10:00:00Z' },
}

const valuesOf = (parsed: ReturnType<typeof cloudEvent>) =>
  parsed.kind === 'read' ? parsed.value.facts.map(({ value }) => value) : parsed.problems

test('CDEvents: service, environment and the tag of the artifact', () => {
  expect(valuesOf(cloudEvent(deployed, reception))).toEqual([
    expect.objectContaining({
      sender: 'cdevents',
      service: 'checkout',
      environment: 'prod',
      release: '1.4.0',
      status: 'succeeded',
      occurredAt: Date.parse('2026-11-23T10:00:00Z'),
    }),
  ])
})

test.each([
  ['pkg:npm/checkout@2.0.1', '2.0.1'],
  ['pkg:oci/checkout@sha256%3Aab', 'sha256:ab'],
  ['registry/checkout', 'registry/checkout'],
])('release of the artifact %s', (artifactId, release) => {
  const { data } = deployed
  const content = { ...data.subject.content, artifactId }
  const event = { ...deployed, data: { ...data, subject: { ...data.subject, content } } }
  expect(valuesOf(cloudEvent(event, reception))).toEqual([expect.objectContaining({ release })])
})

test('our own types, in the forms of API v2 and of the plain deployment', () => {
  const recorded = {
    ...firing,
    type: 'plimsoll.incident.v1.DeploymentRecorded',
    data: { service: 'checkout', release: '1.4.0', status: 'started' },
  }
  expect(valuesOf(cloudEventBatch([firing, recorded], reception))).toEqual([
    expect.objectContaining({ sender: 'cloudevent', name: 'A', status: 'firing' }),
    expect.objectContaining({ sender: 'api', release: '1.4.0', status: 'started' }),
  ])
})

test('an unknown type is refused with the types there are, and takes its batch with it', () => {
  const unknown = { ...firing, type: 'com.example.thing' }
  expect(valuesOf(cloudEventBatch([firing, unknown], reception))).toEqual([
    { field: '/1/type', expected: expect.stringContaining('dev.cdevents.service.deployed') },
  ])
})

test('missing attributes are named', () => {
  expect(valuesOf(cloudEvent({ data: {} }, reception))).toEqual(
    ['specversion', 'source', 'id', 'type'].map((name) => expect.objectContaining({ field: `/${name}` })),
  )
})
