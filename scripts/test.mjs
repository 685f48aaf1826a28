// `npm test`: every check and every test, with every service that they use. Arguments go to vitest and skip the checks.
// The last line is always `N passed, N failed`, and the exit code says the same.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeArguments, run, setUp } from './setup.mjs'

const node = setUp()
const filters = process.argv.slice(2)
const total = { passed: 0, failed: 0 }
try {
  if (filters.length === 0) add(await runChecks())
  add(await runTests())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  total.failed += 1
}
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed > 0 ? 1 : 0)

function add({ passed, failed }) {
  total.passed += passed
  total.failed += failed
}

/** Each check counts as one test; what it says is shown only where it fails. */
async function runChecks() {
  const checks = {
    'format and lint': ['node_modules/@biomejs/biome/bin/biome', 'check', '.'],
    types: ['node_modules/typescript/bin/tsc'],
    'generated documents': ['scripts/docs.ts', '--check'],
  }
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, [script, ...args]]) => {
      const { code, output } = await run(node, [...nodeArguments, script, ...args])
      console.log(code === 0 ? `✓ ${name}` : `✗ ${name}\n${output}`)
      return code === 0
    }),
  )
  const passed = results.filter(Boolean).length
  return { passed, failed: results.length - passed }
}

async function runTests() {
  // Only now: the services use dependencies that a fresh clone does not have yet.
  const { startServices } = await import('./services.mjs')
  const services = await startServices()
  const folder = mkdtempSync(join(tmpdir(), 'pictor-test-'))
  const report = join(folder, 'report.json')
  const ignore = () => {}
  // Ctrl-C reaches vitest by itself; we stay to stop the services.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, ignore)
  try {
    const { code } = await run(
      node,
      [
        ...nodeArguments,
        'node_modules/vitest/vitest.mjs',
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
        ...filters,
      ],
      { stdio: 'inherit', env: { ...process.env, ...services.env } },
    )
    return count(report, code)
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await services.stop()
  }
}

/** A file that did not load has no tests to count, and a crash leaves no report: both are one failure. */
function count(report, code) {
  let passed = 0
  let failed = 0
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
    for (const { status, assertionResults } of testResults) {
      const broken = assertionResults.filter((test) => test.status === 'failed').length
      passed += assertionResults.filter((test) => test.status === 'passed').length
      failed += status === 'failed' ? Math.max(1, broken) : broken
    }
  } catch (error) {
    console.error(`vitest left no report: ${error.message}`)
  }
  return { passed, failed: code !== 0 ? Math.max(1, failed) : failed }
}
