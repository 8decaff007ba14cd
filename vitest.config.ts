import { defineConfig } from 'vitest/config'

const tiers = ['int', 'e2e', 'chaos'] as const

/** One project per tier (architecture.md section 8): the suffix of a test file names what it needs. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['{contracts,dashboards,services,tools}/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...tiers.map((tier) => `**/*.${tier}.test.ts`)],
        },
      },
      // One tier after the other, one file at a time: these tests measure waits and break servers on a small machine.
      ...tiers.map((tier, index) => ({
        test: {
          name: tier,
          sequence: { groupOrder: index + 1 },
          include: [`{contracts,dashboards,services,tools}/**/*.${tier}.test.ts`],
          exclude: ['**/node_modules/**'],
          globalSetup: ['services/kit/testing/global-setup.ts'],
          fileParallelism: false,
          testTimeout: tier === 'int' ? 60_000 : 300_000,
          hookTimeout: 120_000,
        },
      })),
    ],
  },
})
