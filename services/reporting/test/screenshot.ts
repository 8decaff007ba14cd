/**
 * Makes the picture of the page in README.md:
 *
 *   node services/reporting/test/screenshot.ts                                  of example data, on servers of its own
 *   node services/reporting/test/screenshot.ts --url http://127.0.0.1:8080      of a running installation
 *
 * Options: --path PATH (/) of the page, --out FILE (docs/images/page.png), --dark, --width N (1280), --height N (900).
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromiumLaunch } from '@plimsoll/kit/testing/chromium.ts'
import { startStack } from '@plimsoll/kit/testing/stack.ts'
import { chromium } from 'playwright-core'
import { reporting } from '../service.ts'
import { exampleAnswers, exampleFacts } from './example.ts'
import { exampleAccountAnswers, exampleAccountFacts } from './example-accounts.ts'
import { createPublisher, eventually, startReporting } from './running.ts'
import { standIns } from './stand-ins.ts'

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    path: { type: 'string', default: '/' },
    out: { type: 'string', default: fileURLToPath(new URL('../../../docs/images/page.png', import.meta.url)) },
    dark: { type: 'boolean', default: false },
    width: { type: 'string', default: '1280' },
    height: { type: 'string', default: '900' },
  },
})

async function picture(url: string): Promise<void> {
  const browser = await chromium.launch(await chromiumLaunch())
  try {
    const page = await browser.newPage({
      viewport: { width: Number(values.width), height: Number(values.height) },
      colorScheme: values.dark ? 'dark' : 'light',
    })
    await page.goto(`${url}${values.path}`)
    await page.locator('#live[data-state="live"]').waitFor()
    await page.locator('main li, main tbody tr').filter({ visible: true }).first().waitFor()
    await mkdir(dirname(values.out), { recursive: true })
    await page.screenshot({ path: values.out })
  } finally {
    await browser.close()
  }
}

async function pictureOfExample(): Promise<void> {
  const stack = await startStack()
  const others = standIns({ ...exampleAnswers, ...exampleAccountAnswers })
  const running = await startReporting(stack, [reporting, others])
  const publisher = await createPublisher(stack)
  try {
    const facts = [...exampleFacts(Date.now()), ...exampleAccountFacts(Date.now())]
    for (const fact of facts) await publisher.publish(fact)
    await eventually<{ counts: Record<string, number> }>(
      `${running.url}/v1/reporting/overview`,
      ({ counts }) => counts.services === 8 && counts.confirmed === 2 && counts.resolvedLastDay === 1,
    )
    await eventually<{ openRisks: number }>(`${running.url}/v1/reporting/book`, ({ openRisks }) => openRisks === 2)
    await picture(running.url)
  } finally {
    await publisher.close()
    await running.stop()
    await stack.stop()
  }
}

await (values.url === undefined ? pictureOfExample() : picture(values.url))
process.stdout.write(`${values.out}\n`)
