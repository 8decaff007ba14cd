/** The API's text of a number: decimal, `NaN`, `+Inf` or `-Inf`; undefined for anything else. */
export function answerNumber(text: string): number | undefined {
  switch (text) {
    case 'NaN':
      return Number.NaN
    case '+Inf':
      return Number.POSITIVE_INFINITY
    case '-Inf':
      return Number.NEGATIVE_INFINITY
    default: {
      const value = Number(text)
      return text === '' || Number.isNaN(value) ? undefined : value
    }
  }
}
