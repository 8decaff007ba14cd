import { readFileSync } from 'node:fs'
import type { Running } from '@plimsoll/kit/run.ts'
import { chromiumLaunch } from '@plimsoll/kit/testing/chromium.ts'
import { type Stack, startStack } from '@plimsoll/kit/testing/stack.ts'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { reporting } from '../service.ts'
import { exampleAnswers, exampleSource, exampleSources } from './example.ts'
import { detected, established, packedHistogram, summary } from './facts.ts'
import { createPublisher, eventually, type Publisher, startReporting } from './running.ts'
import { standIns } from './stand-ins.ts'

const lowContrast = readFileSync(new URL('low-contrast.js', import.meta.url), 'utf8')

let stack: Stack
let running: Running
let publisher: Publisher
let browser: Browser
const pages: Page[] = []
/** What the browser complained about: console errors, page errors, violations of the content security policy. */
const complaints: string[] = []

/** What the gateway answers; a test may change it. */
const sources = { items: [] as unknown[], next: null, pulls: [] }

const others = standIns({ ...exampleAnswers, '/v1/gateway/sources': () => sources })

beforeAll(async () => {
  stack = await startStack()
  running = await startReporting(stack, [reporting, others])
  publisher = await createPublisher(stack)
  browser = await chromium.launch(await chromiumLaunch())
})
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.context().close()))
  expect(complaints.splice(0)).toEqual([])
})
afterAll(async () => {
  await browser?.close()
  await publisher?.close()
  await running?.stop()
  await stack?.stop()
})

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  pages.push(page)
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(running.url)
  await page.locator('#live[data-state="live"]').waitFor()
  return page
}

let published = 0

async function publishRegression(service: string, given: Parameters<typeof detected>[0] = {}): Promise<void> {
  const before = summary(8_000, 62, 110, packedHistogram([50, 60, 60, 70, 110]))
  const after = summary(900, 121, 237, packedHistogram([100, 120, 130, 240]))
  const detectedAt = Date.now()
  const onsetAt = detectedAt - 120_000
  const value = detected({ regressionId: `r-${service}`, service, before, after, detectedAt, onsetAt, ...given })
  const type = 'plimsoll.performance.v1.RegressionDetected'
  await publisher.publish({ type, key: value.regressionId, value, id: `regression-${published++}`, time: detectedAt })
}

async function publishBaseline(service: string): Promise<void> {
  const value = established({ service, at: Date.now() })
  const type = 'plimsoll.performance.v1.BaselineEstablished'
  await publisher.publish({ type, key: value.baselineId, value, id: `baseline-${published++}`, time: value.at })
}

test('given nothing yet, the page says how to connect, with its own address', async () => {
  const page = await open()
  const texts = await page.locator('#connect pre').allTextContents()
  expect(texts).toEqual([
    expect.stringContaining(`- url: ${running.url}/api/v1/write`),
    expect.stringContaining(`OTEL_EXPORTER_OTLP_ENDPOINT=${running.url}`),
    expect.stringContaining(`- url: ${running.url}/hooks/alertmanager`),
  ])
  expect(await page.locator('h1').textContent()).toBe('Waiting for telemetry')
})

test.each([
  ['segment', { events: 9 }, 'Waiting for telemetry'],
  ['otlp-traces', { spans: 9 }, 'Telemetry arrives. Learning what is normal.'],
])('given a source that sends by %s %j and no service yet, the headline is "%s"', async (protocol, given, headline) => {
  sources.items = [exampleSource(Date.now(), { source: 'app', protocol, ...given })]
  const page = await open()
  await page.locator('h1', { hasText: headline }).waitFor()
  expect(await page.locator('#connect').isVisible()).toBe(headline === 'Waiting for telemetry')
  sources.items = []
})

test('a fact appears on an open page within a second, without a reload', async () => {
  const page = await open()
  const waitsMs: number[] = []
  for (const service of ['cart', 'stock', 'mail', 'search', 'order']) {
    const startedAt = performance.now()
    await publishRegression(service)
    await page.locator('#open .name', { hasText: service }).waitFor()
    waitsMs.push(performance.now() - startedAt)
  }
  expect(await page.locator('#announce').textContent()).toBe('Confirmed: order POST /orders/refresh')
  // The median: a busy machine may hold up one of them.
  expect(waitsMs.sort((a, b) => a - b)[2]).toBeLessThan(1_000)
})

describe('given an open regression', () => {
  beforeAll(async () => {
    await publishRegression('order', { cost: 1_840 })
    await publishRegression('seat', { state: 'suspected', cost: 9_000 })
    await publishBaseline('auth')
    for (const service of ['cart', 'stock', 'mail', 'search']) await publishRegression(service, { cost: 1 })
    await eventually<{ services: unknown[] }>(
      `${running.url}/v1/reporting/overview`,
      ({ services }) => services.length === 7,
    )
  })

  test('services and regressions are listed worst first, each histogram with its words', async () => {
    const page = await open()
    expect(await page.locator('#services .name').allTextContents()).toEqual([
      'order',
      'cart',
      'mail',
      'search',
      'stock',
      'seat',
      'auth',
    ])
    expect(await page.locator('#open .name').first().textContent()).toBe('order')
    const picture = page.getByRole('img', { name: 'order POST /orders/refresh: latency before and since the change' })
    await picture.waitFor()
    expect(plain(await picture.locator('desc').textContent())).toContain('p95 went from 110 ms to 237 ms')
  })

  test('every number is a link to the query behind it', async () => {
    const page = await open()
    const links = page.locator('#services a, #counts a, #open a')
    const addresses = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''))
    expect(addresses.length).toBeGreaterThan(10)
    expect(addresses.filter((address) => !address.startsWith('/v1/'))).toEqual([])
  })

  test('the keyboard alone reaches a regression, opens its evidence and history, and closes it', async () => {
    const page = await open()
    await page.keyboard.press('Tab')
    expect(await focusedText(page)).toBe('Skip to the services')
    for (const key of ['j', 'j', 'ArrowDown', 'k']) await page.keyboard.press(key)
    expect(await focusedText(page)).toContain('cart')
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    expect(await focusedText(page)).toContain('order')
    await page.keyboard.press('Enter')
    await page.getByRole('img', { name: /p95 and p50 from/ }).waitFor()
    await page.getByText('Evidence (e-value)').first().waitFor()
    await page.keyboard.press('Enter')
    expect(await page.getByText('Evidence (e-value)').first().isVisible()).toBe(false)
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    expect(await focusedText(page)).toContain('order')
    await page.keyboard.press('?')
    expect(await page.getByRole('dialog', { name: 'Keys' }).isVisible()).toBe(true)
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog', { name: 'Keys' }).isVisible()).toBe(false)
  })

  test('what is open and focused stays so when live data rebuilds it', async () => {
    const page = await open()
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.keyboard.press('Enter')
    await page.getByText('Evidence (e-value)').first().waitFor()
    await publishRegression('order', { cost: 2_222 })
    await page
      .getByText(/2\u2009222/)
      .first()
      .waitFor()
    expect(await focusedText(page)).toContain('order')
    expect(await page.getByText('Evidence (e-value)').first().isVisible()).toBe(true)
  })

  test.each([
    ['light', 'rgb(246, 247, 249)'],
    ['dark', 'rgb(16, 21, 27)'],
  ] as const)('a %s system gets a %s page', async (colorScheme, background) => {
    const page = await open({ colorScheme })
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(background)
  })

  test('a chosen theme wins over the system and is remembered', async () => {
    const page = await open({ colorScheme: 'light' })
    await page.keyboard.press('t')
    await page.reload()
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(16, 21, 27)')
  })

  test('every text has enough contrast, dark and light', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open({ colorScheme })
      expect(await page.evaluate(lowContrast)).toEqual([])
    }
  })

  test.each([360, 768])('at %i px nothing scrolls sideways, not even with details open', async (width) => {
    const page = await open({ viewport: { width, height: 800 } })
    for (const line of await page.locator('button.line').all()) await line.click()
    await page.getByText('Evidence (e-value)').first().waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
  })

  test('names with markup in them are shown as text', async () => {
    await publishRegression('<img src=x onerror=alert(1)>')
    const page = await open()
    await page.locator('#services .name', { hasText: '<img src=x onerror=alert(1)>' }).waitFor()
    expect(await page.locator('main img').count()).toBe(0)
  })

  test('sources are shown with their rate, lag and refusals by reason', async () => {
    sources.items = exampleSources(Date.now()).items
    const page = await open()
    await page.locator('#sources .name', { hasText: 'prometheus' }).waitFor()
    const refusals = plain(await page.locator('#sources .refusals').last().textContent())
    expect(refusals).toContain('14 too-far-ahead: Correct the clock of the sender.')
  })
})

test('given an installation that asks for a key, the page asks for it and shows nothing before', async () => {
  const key = 'a-bootstrap-key-of-32-characters'
  const secured = await startReporting(stack, [reporting, others], { AUTH_REQUIRED: 'true', BOOTSTRAP_API_KEY: key })
  const context = await browser.newContext()
  const page = await context.newPage()
  try {
    await page.goto(secured.url)
    await page.getByLabel('API key').fill(key)
    expect(await page.locator('#services .row').count()).toBe(0)
    expect(await page.locator('#live-text').textContent()).toBe('Signed out')
    await page.keyboard.press('Enter')
    await page.locator('#services .row').first().waitFor()
    await page.locator('#live[data-state="live"]').waitFor()
  } finally {
    await context.close()
    await secured.stop()
  }
})

test('it loads little: under 60 kB on the wire, first paint under a second', async () => {
  const page = await open()
  const [bytes, firstPaintMs] = await page.evaluate<[number, number]>(`[
    performance.getEntries().reduce((sum, { name, transferSize }) => sum + (name.includes('/v1/') ? 0 : transferSize || 0), 0),
    performance.getEntriesByName('first-contentful-paint')[0].startTime,
  ]`)
  expect(bytes).toBeLessThan(60_000)
  expect(firstPaintMs).toBeLessThan(1_000)
})

test('when the server goes away the page says since when it is stale, and catches up when it is back', async () => {
  const page = await open()
  const port = new URL(running.url).port
  await running.stop()
  await page.getByText(/^Stale since \d\d:\d\d:\d\d/).waitFor()
  await publishRegression('meanwhile')
  running = await startReporting(stack, [reporting, others], { PORT: port })
  await page.locator('#live[data-state="live"]').waitFor()
  await page.locator('#services .name', { hasText: 'meanwhile' }).waitFor()
  // The browser itself reports requests that could not connect; nothing else may be wrong.
  expect(complaints.splice(0).filter((text) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE|ERR_EMPTY/.test(text))).toEqual(
    [],
  )
})

const plain = (text: string | null) => (text ?? '').replaceAll(/[\u00a0\u2009]/g, ' ')

const focusedText = (page: Page) => page.evaluate<string>('document.activeElement.textContent')
