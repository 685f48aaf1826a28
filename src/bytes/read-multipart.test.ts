import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { BytesError } from './bytes-error.ts'
import { type ReadMultipartOptions, readMultipart } from './read-multipart.ts'
import { chunked, fakePng, openTestSpool, unspool } from './testing.ts'

const LIMITS = { maxFileBytes: 2_000_000, maxFiles: 5 }

/** The form as a real client writes it. */
async function write(form: FormData): Promise<{ type: string; body: Buffer }> {
  const response = new Response(form)
  return { type: response.headers.get('content-type') ?? '', body: Buffer.from(await response.arrayBuffer()) }
}

async function read(
  { type, body }: { type: string; body: Buffer },
  options: Partial<ReadMultipartOptions> = {},
  sizes?: number[],
): Promise<unknown> {
  await using test = await openTestSpool()
  const stream = Readable.from(chunked(body, sizes))
  return await unspool(await readMultipart(stream, type, { spool: test.spool, ...LIMITS, ...options }))
}

async function form(fields: [string, string | Buffer][]): Promise<{ type: string; body: Buffer }> {
  const data = new FormData()
  for (const [name, value] of fields) {
    if (typeof value === 'string') data.append(name, value)
    else data.append(name, new Blob([new Uint8Array(value)], { type: 'image/png' }), 'a.png')
  }
  return await write(data)
}

const picture = (bytes: Buffer) => ({ prefix: '', base64: bytes.toString('base64') })

test('fields and files of a form come out, wherever it is cut', async () => {
  const first = fakePng(300_000)
  const second = fakePng(10, 2)
  const written = await form([
    ['prompt', 'ein Bär 漢'],
    ['image', first],
    ['mask', second],
    ['n', ''],
  ])
  const expected = { prompt: 'ein Bär 漢', image: picture(first), mask: picture(second), n: '' }
  for (const size of [1, 7, 1000, 65_536, 1e7]) expect(await read(written, {}, [size])).toEqual(expected)
})

test('repeated names and names with brackets become arrays', async () => {
  const [a, b, c] = [fakePng(100, 1), fakePng(100, 2), fakePng(100, 3)]
  expect(
    await read(
      await form([
        ['image[]', a],
        ['image[]', b],
        ['image', c],
        ['tag', 'x'],
        ['tag', 'y'],
      ]),
    ),
  ).toEqual({
    image: [picture(a), picture(b), picture(c)],
    tag: ['x', 'y'],
  })
  expect(await read(await form([['image[]', a]]))).toEqual({ image: [picture(a)] })
})

test('a name may be __proto__', async () => {
  const value = await read(
    await form([
      ['__proto__', 'x'],
      ['a', 'b'],
    ]),
  )
  expect(Object.entries(value as object)).toEqual([
    ['__proto__', 'x'],
    ['a', 'b'],
  ])
})

test('a file field that was left empty is left out', async () => {
  const head = 'Content-Disposition: form-data; name='
  const body = Buffer.from(
    `--x\r\n${head}"image"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n` +
      `--x\r\n${head}"mask"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n` +
      `--x\r\n${head}"prompt"\r\n\r\nx\r\n--x--\r\n`,
  )
  expect(await read({ type: 'multipart/form-data; boundary=x', body })).toEqual({ prompt: 'x' })
})

test('every limit names the field', async () => {
  const cases: [[string, string | Buffer][], Partial<ReadMultipartOptions>, object][] = [
    [
      [
        ['a', 'x'],
        ['image', fakePng(5001)],
      ],
      { maxFileBytes: 5000 },
      { kind: 'too_large', param: 'image' },
    ],
    [[['image', fakePng(2_000_001)]], {}, { kind: 'too_large', param: 'image' }],
    [
      [
        ['i', fakePng(99)],
        ['j', fakePng(99)],
        ['k', fakePng(99)],
      ],
      { maxFiles: 2 },
      { kind: 'too_many', param: 'k' },
    ],
    [
      [
        ['a', 'x'],
        ['b', 'y'],
        ['c', 'z'],
      ],
      { maxFields: 2 },
      { kind: 'too_many', param: 'c' },
    ],
    [[['prompt', 'x'.repeat(101)]], { maxFieldBytes: 100 }, { kind: 'too_large', param: 'prompt' }],
  ]
  for (const [fields, options, error] of cases) {
    for (const size of [100, 65_536]) {
      await expect(read(await form(fields), options, [size])).rejects.toMatchObject(error)
    }
  }
  expect(
    await read(await form([['prompt', 'x'.repeat(100)]]), { maxFieldBytes: 100, maxFields: 1 }),
  ).toBeDefined()
})

test('what is no form, or only the beginning of one, is an error', async () => {
  const { type, body } = await form([
    ['prompt', 'x'],
    ['image', fakePng(3000)],
    ['size', 'y'],
  ])
  const broken = { name: 'BytesError', kind: 'invalid_multipart' }
  for (const other of ['application/json', 'multipart/form-data', 'multipart/mixed; boundary=x', '']) {
    await expect(read({ type: other, body })).rejects.toMatchObject(broken)
  }
  await expect(read({ type: `${type}x`, body })).rejects.toMatchObject(broken)
  await expect(read({ type, body: Buffer.alloc(0) })).rejects.toMatchObject(broken)
  await expect(read({ type, body: Buffer.from('{"prompt":"x"}') })).rejects.toMatchObject(broken)
  for (let length = 1; length < body.length - 4; length += 37) {
    await expect(read({ type, body: body.subarray(0, length) }), `${length}`).rejects.toMatchObject(broken)
  }
  const nameless = Buffer.from(body.toString('latin1').replace('; name="prompt"', ''), 'latin1')
  await expect(read({ type, body: nameless })).rejects.toMatchObject(broken)
})

test('a request that fails passes its error through and leaves nothing', async () => {
  await using test = await openTestSpool()
  const { type, body } = await form([['image', fakePng(1_000_000)]])
  const broken = new Error('aborted')
  const stream = new PassThrough()
  const reading = readMultipart(stream, type, { spool: test.spool, ...LIMITS })
  stream.write(body.subarray(0, 600_000))
  setImmediate(() => stream.destroy(broken))
  await expect(reading).rejects.toBe(broken)
  await test.spool[Symbol.asyncDispose]()
  expect(await test.files()).toEqual([])
})

test('over HTTP: a form is read, one that is refused is answered, one that is cut does no harm', async () => {
  await using test = await openTestSpool()
  const results: unknown[] = []
  const server = createServer(async (incoming, response) => {
    await using spool = test.directory.scope()
    try {
      const value = await readMultipart(incoming, incoming.headers['content-type'] ?? '', {
        spool,
        ...LIMITS,
      })
      results.push(await unspool(value))
    } catch (error) {
      results.push(error)
      response.statusCode = 400
    }
    response.end('done')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const post = async (bytes: Buffer) => {
    const data = new FormData()
    data.append('prompt', 'x')
    data.append('image', new Blob([new Uint8Array(bytes)]), 'a.png')
    const reply = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: data })
    return `${reply.status} ${await reply.text()}`
  }
  const bytes = fakePng(1_500_000)
  expect(await post(bytes)).toBe('200 done')
  expect(results.pop()).toEqual({ prompt: 'x', image: picture(bytes) })
  expect(await post(fakePng(2_100_000))).toBe('400 done')
  expect(results.pop()).toMatchObject({ kind: 'too_large', param: 'image' })
  const { type, body } = await form([['image', bytes]])
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  socket.write(body.subarray(0, 700_000), () => setTimeout(() => socket.destroy(), 20))
  await expect.poll(() => results.length).toBe(1)
  expect(results[0]).not.toBeInstanceOf(BytesError)
  await expect.poll(() => test.files()).toEqual([])
  server.close()
})
