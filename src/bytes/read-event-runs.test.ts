import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endOfEvent, readEventRuns } from './read-event-runs.ts'
import { readEvents } from './read-events.ts'
import { chunked, fakePng, openTestSpool, unspool } from './testing.ts'

const BASE64 = fakePng(60_000).toString('base64')

async function read(body: string, sizes: number[]) {
  await using test = await openTestSpool()
  const runs: { raw?: string[]; parsed?: unknown; isCut?: boolean }[] = []
  for await (const run of readEventRuns(chunked(body, sizes), { spool: test.spool })) {
    if (run.type === 'parsed') runs.push({ parsed: await unspool(run.event) })
    else runs.push({ raw: split(run.bytes), isCut: run.isCut })
  }
  return runs
}

function split(run: Buffer): string[] {
  const events: string[] = []
  for (let at = 0; at < run.length; at = endOfEvent(run, at))
    events.push(run.toString('utf8', at, endOfEvent(run, at)))
  return events
}

test('short events come as they are, all that a chunk holds at once', async () => {
  const body = ': hi\n\nevent: a\ndata: 1\n\ndata: 2\n\nda'
  expect(await read(`${body}ta: 3\n\n`, [body.length, 100])).toEqual([
    { raw: [': hi\n\n', 'event: a\ndata: 1\n\n', 'data: 2\n\n'], isCut: false },
    { raw: ['data: 3\n\n'], isCut: false },
  ])
})

test('the last event may lack its blank line', async () => {
  expect(await read('data: 1\n\ndata: 2', [100])).toEqual([
    { raw: ['data: 1\n\n'], isCut: false },
    { raw: ['data: 2\n\n'], isCut: true },
  ])
})

test('an event of 64 KiB or more is parsed, and the next ones are not', async () => {
  const long = `event: x\ndata: {"p":"${BASE64}"}\n\n`
  for (const size of [1000, 65_536, 1e6]) {
    const runs = await read(`data: 1\n\n${long}data: 2\n\n${long}`, [size])
    const parsed = { parsed: { event: 'x', data: { p: { prefix: '', base64: BASE64 } } } }
    const raw = (text: string) => ({ raw: [text], isCut: false })
    expect(runs).toEqual([raw('data: 1\n\n'), parsed, raw('data: 2\n\n'), parsed])
  }
})

test('any cut of any lines gives the same events as reading all of them', async () => {
  const line = fc.constantFrom('', '', 'data: 1', 'data:', ': x', 'event: é', 'data: {"a":"b"}', 'x')
  const end = fc.constantFrom('\n', '\r', '\r\n')
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 })
  const body = fc.array(fc.tuple(line, end), { maxLength: 25 }).map((lines) => lines.flat().join(''))
  await fc.assert(
    fc.asyncProperty(body, sizes, async (body, sizes) => {
      const runs = await read(body, sizes)
      const events = runs.flatMap(({ raw = [] }) => raw)
      const isCut = runs.at(-1)?.isCut === true
      expect(events.join('')).toBe(isCut ? `${body}\n\n` : body)
      await using test = await openTestSpool()
      const all = (text: string) => Array.fromAsync(readEvents(chunked(text), { spool: test.spool }))
      const found = await Promise.all(events.map(all))
      for (const some of found) expect(some.length).toBeLessThanOrEqual(1)
      expect(found.flat()).toEqual(await all(body))
    }),
    { numRuns: 500 },
  )
})

test('a stream that is cut within a picture is an error and leaves no half of a file', async () => {
  await using test = await openTestSpool()
  const body = `data: 1\n\ndata: {"a":"${BASE64}","b":"${BASE64}`
  const reading = Array.fromAsync(readEventRuns(chunked(body), { spool: test.spool }))
  await expect(reading).rejects.toMatchObject({ kind: 'truncated' })
  expect(await test.files()).toHaveLength(1)
})
