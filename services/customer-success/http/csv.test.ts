import { expect, test } from 'vitest'
import { csvOf } from './csv.ts'

test('CSV quotes what would end a cell, leaves unknown ones empty and numbers as they are', () => {
  const rows = [
    ['a, "b"\nc', -41.5, null],
    ['d', 0, true],
  ]
  expect(csvOf({ columns: ['name', 'n', 'x'], rows })).toBe('name,n,x\r\n"a, ""b""\nc",-41.5,\r\nd,0,true\r\n')
})

test('CSV lets no name become a formula', () => {
  expect(csvOf({ columns: ['name'], rows: [['=1+1'], ['@x'], ['a=1']] })).toBe("name\r\n'=1+1\r\n'@x\r\na=1\r\n")
})
