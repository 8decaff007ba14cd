/** Asks a running Plimsoll, as its other users do. */

export type Api = {
  /** Rejects with what was answered when that is not 2xx. */
  call<T>(method: 'GET' | 'PUT' | 'POST', path: string, body?: unknown): Promise<T>
  /** The samples of a metric on `/metrics`: values by labels. */
  metric(name: string): Promise<Map<string, number>>
}

export function createApi(url: string, key: string | undefined): Api {
  const authorization: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const ask = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const answer = await fetch(new URL(path, url), {
      method,
      headers: { ...authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Error(`Nothing answers at ${url} any more; days go on closing once it runs again.`, { cause })
    })
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`)
    return answer
  }
  return {
    async call<T>(method: string, path: string, body?: unknown) {
      return (await (await ask(method, path, body)).json()) as T
    },
    async metric(name) {
      const text = await (await ask('GET', '/metrics')).text()
      const samples = text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)
      return new Map(
        [...samples].flatMap(([, of, labels = '', value]) => (of === name ? [[labels, Number(value)]] : [])),
      )
    },
  }
}
