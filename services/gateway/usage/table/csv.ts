import { DecodeError } from '../../decode/failure.ts'

/** A record of a table, with the line it begins on, from 1. */
export type CsvRecord = { readonly line: number; readonly cells: readonly string[] }

const delimiters = [',', ';', '\t'] as const

/** The one that is most frequent in the header, outside of quotes. */
export function delimiterOf(text: string): string {
  const end = text.search(/[\r\n]/)
  const header = text.slice(0, end < 0 ? undefined : end).replaceAll(/"[^"]*"/g, '')
  const counted = delimiters.map((delimiter) => ({ delimiter, count: header.split(delimiter).length }))
  return counted.reduce((best, one) => (one.count > best.count ? one : best)).delimiter
}

/**
 * Records of a table as RFC 4180 says: quoted cells may hold delimiters, line ends and doubled quotes; lines end in CRLF
 * or LF. Empty lines are skipped. A quote inside an unquoted cell is a character like any other, as spreadsheets write it.
 * Throws DecodeError for a quoted cell without an end.
 * @example [...csvRecords('a,b\n1,"x, y"\n', ',')][1] // { line: 2, cells: ['1', 'x, y'] }
 */
export function* csvRecords(text: string, delimiter: string): Generator<CsvRecord> {
  // One cell and what ends it; sticky, so that nothing between two cells is passed over.
  const cellForm = new RegExp(
    `(?:"([^"]*(?:""[^"]*)*)"[ \\t]*|((?!")[^${delimiter}\\r\\n]*))(${delimiter}|\\r?\\n|\\r|$)`,
    'y',
  )
  let line = 1
  let at = 0
  while (at < text.length) {
    const cells: string[] = []
    const startLine = line
    for (let end = delimiter; end === delimiter; ) {
      cellForm.lastIndex = at
      const match = cellForm.exec(text)
      if (match === null) {
        throw new DecodeError(
          `line ${line}: a quoted cell has no end, or is followed by text: double the quotes inside it`,
        )
      }
      const [whole, quoted, plain = '', separator = ''] = match
      cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
      line += linesIn(whole)
      at += whole.length
      end = separator
    }
    if (cells.length > 1 || cells[0] !== '') yield { line: startLine, cells }
  }
}

const linesIn = (text: string): number => text.match(/\r\n|\r|\n/g)?.length ?? 0
