import { expect, test } from 'vitest'
import { csvRecords, delimiterOf } from './csv.ts'

const read = (text: string) => [...csvRecords(text, delimiterOf(text))]

test.each<[string, string, [line: number, cells: string[]][]]>([
  [
    'lines that end in LF',
    'a,b\n1,2\n',
    [
      [1, ['a', 'b']],
      [2, ['1', '2']],
    ],
  ],
  [
    'CRLF, and no end of the last line',
    'a,b\r\n1,2',
    [
      [1, ['a', 'b']],
      [2, ['1', '2']],
    ],
  ],
  [
    'delimiters, quotes and line ends in quoted cells',
    'a,b\n"x, ""y""\nz",2\n3,4',
    [
      [1, ['a', 'b']],
      [2, ['x, "y"\nz', '2']],
      [4, ['3', '4']],
    ],
  ],
  [
    'empty cells, also the last',
    'a,b,c\n,,\n"",,x\n',
    [
      [1, ['a', 'b', 'c']],
      [2, ['', '', '']],
      [3, ['', '', 'x']],
    ],
  ],
  [
    'empty lines are none',
    'a\n\n1\n\n',
    [
      [1, ['a']],
      [3, ['1']],
    ],
  ],
  [
    'a quote inside an unquoted cell',
    'a,b\n5" pipe,2\n',
    [
      [1, ['a', 'b']],
      [2, ['5" pipe', '2']],
    ],
  ],
  [
    'semicolons',
    'a;b\n1,5;2\n',
    [
      [1, ['a', 'b']],
      [2, ['1,5', '2']],
    ],
  ],
  [
    'tabs',
    'a\tb\n1\t2',
    [
      [1, ['a', 'b']],
      [2, ['1', '2']],
    ],
  ],
  [
    'a comma in a quoted header',
    '"a,b,c";d\n1;2',
    [
      [1, ['a,b,c', 'd']],
      [2, ['1', '2']],
    ],
  ],
  ['nothing', '', []],
])('%s', (_, text, expected) => {
  expect(read(text).map(({ line, cells }) => [line, cells])).toEqual(expected)
})

test.each(['a,b\n"1,2\n', 'a,b\n"1"x,2\n'])('%j: the line is named', (text) => {
  expect(() => read(text)).toThrow(/^line 2: /)
})

test('a cell may be as large as a table', () => {
  const cell = 'x""\n'.repeat(1_000_000)
  expect(read(`a,b\n"${cell}",2`)[1]).toEqual({ line: 2, cells: [cell.replaceAll('""', '"'), '2'] })
})
