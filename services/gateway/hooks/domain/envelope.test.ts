import { describe, expect, test } from 'vitest'
import { cloudEventMode, fromBinary, readCloudEvent } from './envelope.ts'
import { parse } from './shape.ts'

const event = { specversion: '1.0', id: '1', source: '/s', type: 't' }
const problemsOf = (given: unknown) => {
  const parsed = parse(given, readCloudEvent)
  return parsed.kind === 'refused' ? parsed.problems.map(({ field }) => field) : []
}

test.each([
  [{ 'content-type': 'application/cloudevents+json; charset=utf-8' }, 'structured'],
  [{ 'Content-Type': 'Application/CloudEvents+JSON' }, 'structured'],
  [{ 'content-type': 'application/cloudevents-batch+json' }, 'batch'],
  [{ 'content-type': 'application/json', 'ce-specversion': '1.0' }, 'binary'],
  [{ 'content-type': 'application/json', 'CE-Id': '1' }, 'binary'],
  [{ 'content-type': 'application/json' }, undefined],
  [{ 'content-type': 'application/cloudevents+avro', 'ce-id': '1' }, undefined],
  [{}, undefined],
])('form of the HTTP binding: %j', (headers, mode) => {
  expect(cloudEventMode(headers)).toBe(mode)
})

describe('binary: headers are attributes, the body is the data', () => {
  test.each([
    ['/r%C3%BCgen', '/rügen'],
    ['"a \\"quoted\\" value"', 'a "quoted" value'],
    ['%22', '"'],
    // Once, not until nothing is left to decode.
    ['%2541', '%41'],
    ['100%', '100%'],
  ])('the value %s is %s', (header, value) => {
    expect(fromBinary({ 'Ce-Subject': header }, { data: 7 })).toEqual({ subject: value, data: 7 })
  })

  test('what the body and Content-Type say cannot be said by headers', () => {
    expect(fromBinary({ 'ce-data': 'x', 'ce-data_base64': 'eA==', 'ce-datacontenttype': 'text/xml' }, {})).toEqual({})
  })
})

test.each([
  [{ ...event, specversion: '0.3' }, ['/specversion']],
  [{ specversion: '1.0' }, ['/source', '/id', '/type']],
  [{ ...event, source: 'a b' }, ['/source']],
  [{ ...event, time: 'yesterday' }, ['/time']],
  [{ ...event, time: '2026-01-02' }, ['/time']],
  [{ ...event, extension: { nested: 1 } }, ['/extension']],
  [{ ...event, extension: 1.5 }, ['/extension']],
  [{ ...event, accountId: 'a' }, ['/accountId']],
  [{ ...event, data: 1, data_base64: 'MQ==' }, ['/data_base64']],
  [{ ...event, data_base64: '%%' }, ['/data_base64']],
  [{ ...event, data_base64: Buffer.from('{').toString('base64') }, ['/data_base64']],
  [{ ...event, extension: null, subject: 'x', dataschema: 'urn:x' }, []],
])('%j is wrong at %j', (given, problems) => {
  expect(problemsOf(given)).toEqual(problems)
})

test.each([
  [{ data_base64: Buffer.from('{"a":1}').toString('base64') }, { a: 1 }],
  [{ data_base64: 'AQID', datacontenttype: 'application/octet-stream' }, 'AQID'],
  [{ data: 'text', datacontenttype: 'text/plain' }, 'text'],
  [{ data_base64: 'e30=', datacontenttype: 'application/vnd.acme+json; charset=utf-8' }, {}],
])('data of %j', (members, data) => {
  expect(parse({ ...event, ...members }, readCloudEvent)).toMatchObject({ kind: 'read', value: { data } })
})
