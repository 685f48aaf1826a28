import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readEvents, type ServerEvent } from './read-events.ts'
import { chunked, fakePng, noise, openTestSpool, unspool } from './testing.ts'

const BASE64 = fakePng(50_000).toString('base64')
const PICTURE = { prefix: '', base64: BASE64 }

async function read(body: string | Buffer, sizes?: number[]): Promise<unknown[]> {
  await using test = await openTestSpool()
  const events: unknown[] = []
  for await (const event of readEvents(chunked(body, sizes), { spool: test.spool }))
    events.push(await unspool(event))
  return events
}

test('events come with their name, id and parsed data', async () => {
  const body = 'event: a\nid: 7\ndata: {"x":1}\n\ndata: [2]\n\n'
  expect(await read(body)).toEqual([
    { event: 'a', id: '7', data: { x: 1 } },
    { event: undefined, data: [2] },
  ])
})

const ODDITIES: [what: string, body: string, expected: Partial<ServerEvent>[]][] = [
  ['CRLF', 'event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n', [{ event: 'a', data: 1 }, { data: 2 }]],
  ['CR', 'event: a\rdata: 1\r\rdata: 2\r\r', [{ event: 'a', data: 1 }, { data: 2 }]],
  ['all line ends mixed', 'data: 1\r\n\ndata: 2\r\rdata: 3\n\r\n', [{ data: 1 }, { data: 2 }, { data: 3 }]],
  ['no space', 'event:a\ndata:{"x":1}\nid:7\n\n', [{ event: 'a', data: { x: 1 }, id: '7' }]],
  ['only one space is dropped', 'data:  x\n\n', [{ data: ' x' }]],
  [
    'several lines of data',
    'data: {"x":\ndata: 1}\n\ndata: a\ndata: "b\ndata:\ndata: c\n\n',
    [{ data: { x: 1 } }, { data: 'a\n"b\n\nc' }],
  ],
  ['comments', ': ping\n\n:\ndata: 1\n: more\n\n: end\n\n', [{ data: 1 }]],
  ['events without data', 'event: a\n\nid: 4\n\ndata: 1\n\n', [{ event: undefined, data: 1 }]],
  ['empty data', 'data\n\ndata:\n\ndata: \n\n', [{ data: '' }, { data: '' }, { data: '' }]],
  ['unknown fields', 'retry: 10\nfoo\ndatabase: 1\ndata: 1\n\n', [{ data: 1 }]],
  ['no blank line at the end', 'data: {"x":1}\n\ndata: {"x":2}\n', [{ data: { x: 1 } }, { data: { x: 2 } }]],
  ['no line end at the end', 'data: 1\n\nevent: b\ndata: 2', [{ data: 1 }, { event: 'b', data: 2 }]],
  ['a byte order mark', '\ufeffdata: 1\n\ndata: \ufeff2\n\n', [{ data: 1 }, { data: 2 }]],
  ['a byte order mark before a name', '\ufeffevent: 漢\ndata: "é"\n\n', [{ event: '漢', data: 'é' }]],
  ['[DONE]', 'data: {"a":1}\n\ndata: [DONE]\n\n', [{ data: { a: 1 } }, { data: '[DONE]' }]],
  [
    'data that is no JSON',
    'data: hello "there\n\ndata: {"a":\n\n',
    [{ data: 'hello "there' }, { data: '{"a":' }],
  ],
  ['nothing', '', []],
  ['only line ends', '\n\r\n\r', []],
]

for (const [what, body, expected] of ODDITIES) {
  test(`event streams: ${what}, at every place of a cut`, async () => {
    const events = expected.map((event) => ({ event: undefined, ...event }))
    for (const size of [1, 2, 3, 5, 8, 1000])
      expect(await read(body, [size]), `chunks of ${size}`).toEqual(events)
  })
}

test('pictures in the data of events are spooled', async () => {
  const body = `event: image_generation.partial_image\ndata: {"b64_json":"${BASE64}","partial_image_index":0}\n\ndata: {"b64_json":"${BASE64}"}\n\n`
  const expected = [
    { event: 'image_generation.partial_image', data: { b64_json: PICTURE, partial_image_index: 0 } },
    { event: undefined, data: { b64_json: PICTURE } },
  ]
  for (const size of [1, 3, 1021, 65_536, 1e6]) expect(await read(body, [size])).toEqual(expected)
})

test('base64 may go on over many lines of data, long or short', async () => {
  for (const base64 of [BASE64, BASE64.slice(0, 400)]) {
    const folded = base64.replaceAll(/.{76}/g, '$&\r\ndata: ')
    const data = base64 === BASE64 ? PICTURE : base64
    expect(await read(`data: {"b64_json":"${folded}"}\r\n\r\n`, [1000])).toEqual([
      { event: undefined, data: { b64_json: data } },
    ])
    const url = `data:image/png;base64,`
    const text = await read(`data: ["![](${url}${folded})"]\n\n`)
    const expected = base64 === BASE64 ? ['![](', { prefix: url, base64 }, ')'] : `![](${url}${base64})`
    expect(text).toEqual([{ event: undefined, data: [expected] }])
  }
})

test('any cut of any events gives the same events', async () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant({ p: BASE64 }))
  const event = fc.record({
    event: fc.option(fc.stringMatching(/^[a-z.]{1,9}$/), { nil: undefined }),
    data: value,
  })
  const ends = fc.constantFrom('\n', '\r', '\r\n')
  const sizes = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 9 })
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 5 }), ends, sizes, async (events, end, sizes) => {
      const body = events.map(({ event, data }) =>
        [...(event === undefined ? [] : [`event: ${event}`]), `data: ${JSON.stringify(data)}`, '', ''].join(
          end,
        ),
      )
      const expected: unknown = JSON.parse(JSON.stringify(events), (_key, item) =>
        item === BASE64 ? PICTURE : item,
      )
      const all = (await read(body.join(''), sizes)) as object[]
      expect(JSON.parse(JSON.stringify(all))).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})

test('a stream that is cut within an event is an error', async () => {
  for (const body of [`data: {"a":"${BASE64}`, `data: 1\n\ndata: {"a":"b`, 'data: {"a":1']) {
    await expect(read(body)).rejects.toMatchObject({ kind: 'truncated' })
  }
})

test('whoever stops reading leaves no open file', async () => {
  await using test = await openTestSpool()
  const body = `data: 1\n\ndata: {"a":"${BASE64}","b":"${BASE64}`
  for await (const event of readEvents(chunked(body, [1000]), { spool: test.spool })) {
    if (event.data === 1) break
  }
  expect(await test.files()).toEqual([])
  const broken = new Error('reset')
  async function* cut() {
    yield* chunked(body, [1000])
    throw broken
  }
  const reading = Array.fromAsync(readEvents(cut(), { spool: test.spool }))
  await expect(reading).rejects.toBe(broken)
  expect(await test.files()).toHaveLength(1)
})

test('a picture of 100 MB in one line is never held', async () => {
  await using test = await openTestSpool()
  const piece = noise(49_152).toString('base64')
  const before = process.memoryUsage().rss
  let peak = 0
  async function* body() {
    yield Buffer.from(`data: {"b64_json":"${BASE64.slice(0, 60_000)}`)
    for (let bytes = 0; bytes < 100e6; bytes += piece.length) {
      yield Buffer.from(piece)
      peak = Math.max(peak, process.memoryUsage().rss)
    }
    yield Buffer.from('"}\n\n')
  }
  const events = await Array.fromAsync(readEvents(body(), { spool: test.spool }))
  expect(events).toMatchObject([{ data: { b64_json: { bytes: expect.any(Number), mime: 'image/png' } } }])
  expect((peak - before) / 1e6).toBeLessThan(80)
})
