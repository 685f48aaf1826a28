import { defineConfig } from 'vitest/config'

const common = { testTimeout: 30_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    // Pictures and databases are native code with threads of their own: processes keep them apart.
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        test: { ...common, name: 'unit', include: ['{contract,src,test/house,test/upstreams}/**/*.test.ts'] },
      },
      // These start whole servers, so one at a time.
      { test: { ...common, name: 'e2e', include: ['test/e2e/**/*.test.ts'], fileParallelism: false } },
    ],
  },
})
