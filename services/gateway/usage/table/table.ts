import { DecodeError } from '../../decode/failure.ts'
import { type FieldNames, type Read, usage } from '../domain/draft.ts'
import { type FactReception, readFact } from '../domain/fact.ts'
import type { Fields } from '../domain/fields.ts'
import { refused } from '../domain/verdict.ts'
import { csvRecords, delimiterOf } from './csv.ts'
import { type Mapping, mapColumns, type TableKind } from './mapping.ts'

/** A row of a table, read, with the line it begins on. */
export type Row = { readonly line: number; readonly read: Read }

export type Table = {
  readonly mapping: Mapping
  /** Columns no field was taken from. Of accounts they are kept, under their own names. */
  readonly unused: readonly string[]
  readonly rows: readonly Row[]
}

/** Reads a table whose first record names its columns. Throws DecodeError where it cannot be told what is in it. */
export function readTable(text: string, kind: TableKind, map: string, reception: FactReception): Table {
  const delimiter = delimiterOf(text)
  const records = csvRecords(text, delimiter)
  // Where the comma is the decimal sign, spreadsheets put a semicolon between cells.
  const settings = { ...reception, decimalComma: delimiter === ';' }
  const header = records.next()
  if (header.done) throw new DecodeError('the table is empty: its first line has to name its columns')
  const columns = header.value.cells.map((cell) => cell.trim())
  const mapped = mapColumns(kind, columns, map)
  if (mapped.kind === 'unclear') throw new DecodeError(mapped.problems.join('; '))
  const { mapping, unused } = mapped
  for (const column of kind === 'account' ? columns : mapping.values()) {
    if (column !== '' && columns.indexOf(column) !== columns.lastIndexOf(column))
      throw new DecodeError(`two columns are called "${column}": rename the one that is not meant`)
  }
  const places = [...mapping].map(([field, column]) => [field, columns.indexOf(column)] as const)
  const kept = kind === 'account' ? unused.map((column) => [column, columns.indexOf(column)] as const) : []
  const rows: Row[] = []
  for (const { line, cells } of records) {
    const fields = Object.fromEntries([...places, ...kept].map(([name, place]) => [name, cells[place]]))
    const read =
      cells.length === columns.length
        ? rowOf(kind, fields, settings)
        : refused('invalid-fact', `${cells.length} cells where the first line names ${columns.length} columns`)
    rows.push({ line, read })
  }
  return { mapping, unused, rows }
}

function rowOf(kind: TableKind, fields: Fields, reception: FactReception): Read {
  if (kind === 'account') return accountRow(fields)
  const fact = readFact(kind, fields, reception)
  return fact.kind === 'refused' ? fact : { kind: 'fact', fact, messageId: '' }
}

const called: FieldNames = { time: 'time', account: 'accountId', person: 'accountId', alias: 'userId and previousId' }

/** What a table says of an account is what a group call says: its traits, from now on. */
function accountRow(fields: Fields): Read {
  const { accountId, ...rest } = fields
  const stated = Object.entries(rest).filter(([, value]) => value !== '')
  return usage({
    kind: 'group',
    name: '',
    userId: '',
    anonymousId: '',
    accountId: String(accountId),
    messageId: '',
    idScope: '',
    time: undefined,
    sentAt: undefined,
    quantity: 1,
    properties: Object.fromEntries(stated),
    context: { libraryName: '', libraryVersion: '', plan: String(fields.plan ?? ''), ip: '' },
    called,
    given: fields,
  })
}
