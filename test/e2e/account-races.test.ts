import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { testDatabases } from '../../src/db/testing.ts'

const RACER = fileURLToPath(new URL('account-racer.ts', import.meta.url))

/** Starts a process that takes pictures once it is told to; resolves when it is ready. */
async function startRacer(url: string, attempts: number) {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', RACER, url, 'raced', `${attempts}`],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  expect((await lines.next()).value).toBe('ready')
  return async () => {
    child.stdin.write('go\n')
    const { value } = await lines.next()
    await once(child, 'exit')
    return JSON.parse(String(value)) as string[]
  }
}

for (const engine of testDatabases()) {
  test(`${engine.name}: two processes that ask for 200 pictures of 5 accounts with 10 each get exactly 50`, async () => {
    await using opened = await engine.open()
    const racers = [await startRacer(opened.url, 100), await startRacer(opened.url, 100)]
    const granted = (await Promise.all(racers.map((go) => go()))).flat()
    expect(granted).toHaveLength(50)
    const counts = Object.values(Object.groupBy(granted, (secret) => secret)).map((all) => all?.length)
    expect(counts).toEqual([10, 10, 10, 10, 10])
    const rows = await opened.database.query.selectFrom('account').selectAll().execute()
    expect(rows.map((row) => row.used_today)).toEqual([10, 10, 10, 10, 10])
  }, 60_000)
}
