/** Facts by the name of their address and of a table of them. */
export const factNames = {
  tickets: 'ticket',
  invoices: 'invoice',
  nps: 'nps',
  subscriptions: 'subscription',
  contacts: 'contact',
} as const

/** What a table may hold. Rows of `accounts` describe accounts: they become group events. */
export const tableKinds = { ...factNames, accounts: 'account' } as const

export type TableName = keyof typeof tableKinds
export type TableKind = (typeof tableKinds)[TableName]

/** The column of each field; a field without one is not in it. */
export type Mapping = ReadonlyMap<string, string>

type FieldGuess = { readonly required?: true; readonly columns: string }

const account: FieldGuess = {
  required: true,
  columns: 'accountid account customerid customer organizationid orgid companyid',
}
const user: FieldGuess = { columns: 'userid user requesterid requester useremail email' }
const updatedAt: FieldGuess = { columns: 'updatedat updated updatedday modifiedat lastmodified' }

/** Fields of each kind with the headers they go by elsewhere, the likeliest first, without case and separators. */
const guesses: Readonly<Record<TableKind, Readonly<Record<string, FieldGuess>>>> = {
  ticket: {
    ticketId: { required: true, columns: 'ticketid id caseid number key' },
    accountId: account,
    userId: user,
    severity: { columns: 'severity priority urgency' },
    openedAt: { required: true, columns: 'openedat openedday opened submittedat createdat created opendate' },
    resolvedAt: { columns: 'resolvedat resolvedday resolved closedat closed solvedat closedate' },
    reopened: { columns: 'reopened reopens reopencount' },
    csat: { columns: 'csat satisfactionscore satisfaction rating' },
    text: { columns: 'text subject title description' },
    updatedAt,
  },
  invoice: {
    invoiceId: { required: true, columns: 'invoiceid id invoicenumber number' },
    accountId: account,
    amountMinor: { columns: 'amountminor amountcents' },
    amount: { columns: 'amount total amountdue' },
    currency: { columns: 'currency currencycode' },
    status: { columns: 'status state' },
    dueAt: { required: true, columns: 'dueat duedate dueday due' },
    paidAt: { columns: 'paidat paiddate paidday paid' },
    attempts: { columns: 'attempts attemptcount retries' },
    updatedAt,
  },
  nps: {
    responseId: { columns: 'responseid id' },
    accountId: account,
    userId: user,
    score: { required: true, columns: 'score nps npsscore rating' },
    comment: { columns: 'comment feedback feedbacktext text' },
    answeredAt: { required: true, columns: 'answeredat respondedat submittedat createdat date day' },
  },
  subscription: {
    subscriptionId: { columns: 'subscriptionid id' },
    accountId: account,
    status: { columns: 'status state' },
    plan: { columns: 'plan plantier planname product' },
    segment: { columns: 'segment tier' },
    seats: { columns: 'seats licenses quantity' },
    mrrMinor: { columns: 'mrrminor mrrcents' },
    mrr: { columns: 'mrr mrramount monthlyrevenue' },
    currency: { columns: 'currency currencycode' },
    startedAt: { required: true, columns: 'startedat startdate startday start signupdate' },
    renewsAt: { columns: 'renewsat renewaldate renewal currentperiodend' },
    cancelledAt: { columns: 'cancelledat canceledat enddate endday churndate cancelday' },
    reason: { columns: 'reason reasoncode churnreason' },
    isTrial: { columns: 'istrial trial' },
    updatedAt,
  },
  contact: {
    accountId: account,
    userId: { required: true, columns: 'userid user contactid personid id' },
    email: { columns: 'email emailaddress mail useremail' },
    timeZone: { columns: 'timezone tz zone' },
    roles: { columns: 'roles role' },
    consent: { columns: 'consent optin optedin marketingconsent' },
    doNotContact: { columns: 'donotcontact dnc optout optedout unsubscribed' },
    updatedAt,
  },
  account: {
    accountId: { ...account, columns: `${account.columns} id` },
    name: { columns: 'name accountname companyname' },
    plan: { columns: 'plan plantier planname' },
    segment: { columns: 'segment tier' },
    seats: { columns: 'seats licenses' },
  },
}

const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

export type Mapped =
  | { readonly kind: 'mapped'; readonly mapping: Mapping; readonly unused: readonly string[] }
  | { readonly kind: 'unclear'; readonly problems: readonly string[] }

/**
 * Finds a column for each field: the one `given` names (`severity:priority,openedAt:submitted_at`), else the first whose
 * header is a usual one. A column serves one field. Unclear when a required field has none, or `given` names what is not.
 */
export function mapColumns(kind: TableKind, columns: readonly string[], given: string): Mapped {
  const fields = guesses[kind]
  const problems: string[] = []
  const mapping = new Map<string, string>()
  for (const pair of given.split(',').filter((part) => part.trim() !== '')) {
    const [field = '', column = ''] = pair.split(/:(.*)/s, 2).map((part) => part.trim())
    if (!Object.hasOwn(fields, field))
      problems.push(`"${field}" is no field: there are ${Object.keys(fields).join(', ')}`)
    else if (!columns.includes(column)) problems.push(`"${column}" is no column: there are ${columns.join(', ')}`)
    else mapping.set(field, column)
  }
  const taken = new Set(mapping.values())
  for (const [field, { columns: usual, required }] of Object.entries(fields)) {
    if (mapping.has(field)) continue
    const names = usual.split(' ')
    const found = names
      .map((name) => columns.find((column) => plain(column) === name && !taken.has(column)))
      .find(Boolean)
    if (found !== undefined) {
      mapping.set(field, found)
      taken.add(found)
    } else if (required) {
      problems.push(`no column is ${field}: say map=${field}:COLUMN with one of ${columns.join(', ')}`)
    }
  }
  if (problems.length > 0) return { kind: 'unclear', problems }
  return { kind: 'mapped', mapping, unused: columns.filter((column) => !taken.has(column)) }
}
