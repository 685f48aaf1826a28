import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { BytesError } from './bytes-error.ts'
import { LONG } from './find-picture.ts'
import { type ReadJsonOptions, readJson } from './read-json.ts'
import { Spooled, SpooledText } from './spooled.ts'
import { chunked, fakePng, noise, openTestSpool, sha256, unspool } from './testing.ts'

const PICTURE = fakePng(50_001)
const BASE64 = PICTURE.toString('base64')

/** Reads a body and gives back its value, pictures as `{ prefix, base64 }`. */
async function read(
  body: string | Buffer,
  options: Omit<ReadJsonOptions, 'spool'> = {},
  sizes?: number[],
): Promise<unknown> {
  await using test = await openTestSpool()
  return await unspool(await readJson(chunked(body, sizes), { spool: test.spool, ...options }))
}

async function failure(
  body: string | Buffer,
  options: Omit<ReadJsonOptions, 'spool'> = {},
): Promise<BytesError> {
  const error: unknown = await read(body, options).catch((error: unknown) => error)
  if (error instanceof BytesError) return error
  throw new Error(`Expected a BytesError, got ${String(error)}`)
}

test('a picture tells its type, size, length and hash', async () => {
  await using test = await openTestSpool()
  const value = await readJson(chunked(JSON.stringify({ data: [{ b64_json: BASE64 }] })), {
    spool: test.spool,
  })
  const picture = (value as { data: { b64_json: Spooled }[] }).data[0]?.b64_json
  expect(picture).toBeInstanceOf(Spooled)
  expect(picture).toMatchObject({
    bytes: PICTURE.length,
    sha256: sha256(PICTURE),
    mime: 'image/png',
    width: 640,
    height: 480,
    complete: true,
    prefix: '',
  })
  expect(await readFile(picture?.path ?? '')).toEqual(PICTURE)
})

test('every place in a body may be the end of a chunk', async () => {
  const slashes = BASE64.replaceAll('/', '\\/')
  const unicode = BASE64.replaceAll('+', '\\u002b').replaceAll('=', '\\u003D')
  const wrapped = BASE64.replaceAll(/.{76}/g, '$&\\r\\n')
  const texts = {
    slashes,
    url: `data:image/png;base64,${unicode}`,
    wrapped,
    text: `"漢\\🙂 ![](data:image/png;base64,${BASE64})`,
  }
  const body = JSON.stringify({ a: texts.text, b: 'B', c: ['C'], d: null })
    .replace('"B"', `"${slashes}"`)
    .replace('"C"', `"data:image\\/png;base64,${unicode}"`)
    .replace('null', `"${wrapped}"`)
  const picture = { prefix: '', base64: BASE64 }
  const inUrl = { prefix: 'data:image/png;base64,', base64: BASE64 }
  const expected = { a: ['"漢\\🙂 ![](', inUrl, ')'], b: picture, c: [inUrl], d: picture }
  for (const size of [1, 2, 3, 5, 7, 64, 1021, 16_384, 65_536, 1_000_000]) {
    expect(await read(body, {}, [size]), `chunks of ${size}`).toEqual(expected)
  }
})

test('a bare picture of 16 KiB base64 stays a string, one character more does not', async () => {
  const base64 = fakePng((LONG / 4) * 3 + 3).toString('base64')
  const short = base64.slice(0, LONG)
  expect(await read(JSON.stringify([short]))).toEqual([short])
  expect(await read(JSON.stringify([`data:image/png;base64,${short}`]))).toEqual([
    `data:image/png;base64,${short}`,
  ])
  expect(await read(JSON.stringify([base64]))).toEqual([{ prefix: '', base64 }])
})

test('long strings that only look like base64 stay strings', async () => {
  const base64 = noise(60_000).toString('base64')
  const value = {
    base64,
    letters: 'a'.repeat(100_000),
    gif: `R0lGODlh ${'is how a GIF begins, '.repeat(2000)}`,
  }
  expect(await read(JSON.stringify(value))).toEqual(value)
})

test('a data URL of any type is spooled, and says when it is no picture', async () => {
  await using test = await openTestSpool()
  const body = JSON.stringify(`data:application/pdf;base64,${noise(30_000).toString('base64')}`)
  const value = await readJson(chunked(body), { spool: test.spool })
  expect(value).toMatchObject({ mime: undefined, width: undefined, prefix: 'data:application/pdf;base64,' })
})

test('repeated and neighbouring pictures each come out', async () => {
  const picture = { prefix: '', base64: BASE64 }
  expect(await read(JSON.stringify(Array(9).fill(BASE64)))).toEqual(Array(9).fill(picture))
  expect(await read(`{"a":"${BASE64}","a":1,"a":"${BASE64}"}`)).toEqual({ a: picture })
})

test('a text may hold several pictures, and more text than pictures', async () => {
  const url = `data:image/png;base64,${BASE64}`
  const small = `data:image/png;base64,${BASE64.slice(0, 400)}`
  const text = `${'long '.repeat(5000)}![a](${url}) and ![b](${small}) and ![c](${url})`
  const picture = { prefix: 'data:image/png;base64,', base64: BASE64 }
  expect(await read(JSON.stringify(text))).toEqual([
    `${'long '.repeat(5000)}![a](`,
    picture,
    `) and ![b](${small}) and ![c](`,
    picture,
    ')',
  ])
})

test('padding ends a picture that begins a text', async () => {
  const base64 = fakePng(50_000).toString('base64')
  expect(base64).toMatch(/[^=]=$/)
  const url = `data:image/png;base64,${base64}`
  const picture = { prefix: 'data:image/png;base64,', base64 }
  expect(await read(JSON.stringify(`${url}\n\nThis is it.`))).toEqual([picture, '\n\nThis is it.'])
  expect(await read(JSON.stringify(`${url}${url}`))).toEqual([picture, picture])
  expect(await read(JSON.stringify(`${url} \n`))).toEqual(picture)
})

test('base64 that breaks off in a strange character is an error that says where', async () => {
  for (const prefix of ['', 'data:image/png;base64,']) {
    const body = `{"b64_json":"${prefix}${BASE64.slice(0, 30_000)}!${BASE64.slice(30_000)}"}`
    expect(await failure(body)).toMatchObject({ kind: 'invalid_base64', offset: body.indexOf('!') })
    const second = `{"a":"${BASE64}",${body.slice(1)}`
    expect(await failure(second)).toMatchObject({ kind: 'invalid_base64', offset: second.indexOf('!') })
  }
  const escaped = `{"漢":"${BASE64.slice(0, 40_000)}\\u0021${BASE64.slice(40_000)}"}`
  expect(await failure(escaped)).toMatchObject({
    kind: 'invalid_base64',
    offset: Buffer.from(escaped).indexOf('\\u'),
  })
  const quoted = `["${BASE64.slice(0, 40_000)}\\"${BASE64.slice(40_000)}"]`
  expect(await failure(quoted)).toMatchObject({ kind: 'invalid_base64', offset: 40_002 })
})

test('base64 with a character too few, or with something behind its padding, is an error', async () => {
  const body = `["${BASE64.slice(0, 40_001)}"]`
  expect(await failure(body)).toMatchObject({ kind: 'invalid_base64', offset: body.length - 2 })
  const followed = `["${fakePng(50_000).toString('base64')}AAAA"]`
  expect(await failure(followed)).toMatchObject({ kind: 'invalid_base64', offset: followed.length - 6 })
})

test('what is no JSON is an error that says what it is, and where', async () => {
  const cases: [body: string, kind: string, detail: string, offset: number | undefined][] = [
    ['', 'invalid_json', 'it is empty', 0],
    [' \n', 'invalid_json', 'it is empty', 0],
    [
      '<!DOCTYPE html><html><head><title>502 Bad\n Gateway</title>',
      'invalid_json',
      'an HTML page with the title "502 Bad Gateway"',
      0,
    ],
    ['<?xml version="1.0"?><Error/>', 'invalid_json', 'HTML or XML', 0],
    ['{"a":x}', 'invalid_json', "at byte 5: unexpected token 'x'", 5],
    ['{"é":1,}', 'invalid_json', 'at byte 8', 8],
    ['[1] 2', 'invalid_json', 'at byte 4', 4],
    ['upstream connect error', 'invalid_json', "at byte 0: unexpected token 'u'", 0],
    [`["${BASE64}", x]`, 'invalid_json', `at byte ${BASE64.length + 5}`, BASE64.length + 5],
    ['{"a":"b', 'truncated', 'ends too early', 7],
    ['{"a":1', 'truncated', 'ends too early', 6],
    [`{"a":"${BASE64}"`, 'truncated', 'ends too early', BASE64.length + 7],
    [`{"a":"${BASE64}`, 'truncated', 'in the middle of a picture', BASE64.length + 6],
    [`{"a":"${'x'.repeat(100_000)}`, 'truncated', 'ends too early', 100_006],
  ]
  for (const [body, kind, detail, offset] of cases) {
    const error = await failure(body)
    expect(error, body.slice(0, 80)).toMatchObject({ kind, offset })
    expect(error.detail).toContain(detail)
    expect(error.message.length).toBeLessThan(200)
  }
})

test('a mark for the order of bytes is ignored', async () => {
  expect(await read(`\ufeff{"a":"${BASE64}"}`)).toEqual({ a: { prefix: '', base64: BASE64 } })
})

test('names are never taken for pictures', async () => {
  const long = 'n'.repeat(100_000)
  expect(await read(JSON.stringify({ [long]: BASE64 }))).toEqual({ [long]: { prefix: '', base64: BASE64 } })
  expect(await failure(JSON.stringify({ [BASE64]: 1 }))).toMatchObject({ kind: 'invalid_json' })
})

test('the name __proto__ is a name like any other', async () => {
  await using test = await openTestSpool()
  const body = `{"__proto__":{"p":"${BASE64}"},"constructor":"${BASE64}","a":{"__proto__":"${BASE64}"}}`
  const value = (await readJson(chunked(body), { spool: test.spool })) as Record<string, object>
  expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'a'])
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  expect(Object.getPrototypeOf(value.a)).toBe(Object.prototype)
  expect(Object.values(value.a ?? {})[0]).toBeInstanceOf(Spooled)
})

test('nesting may be deep', async () => {
  await using test = await openTestSpool()
  const depth = 100_000
  const body = `${'['.repeat(depth)}"${BASE64}"${']'.repeat(depth)}`
  let value = await readJson(chunked(body), { spool: test.spool })
  while (Array.isArray(value)) value = value[0]
  expect(value).toBeInstanceOf(Spooled)
})

test('text and pictures have limits of their own', async () => {
  expect(await read(JSON.stringify(['x'.repeat(995)]), { maxText: 1000 })).toEqual(['x'.repeat(995)])
  for (const length of [997, 100_000]) {
    expect(await failure(JSON.stringify(['x'.repeat(length)]), { maxText: 1000 })).toMatchObject({
      kind: 'too_large',
    })
  }
  expect(await read(JSON.stringify([BASE64]), { maxText: 1000, maxPicture: 50_001 })).toHaveLength(1)
  expect(await failure(JSON.stringify([BASE64]), { maxPicture: 50_000 })).toMatchObject({ kind: 'too_large' })
  const larger = fakePng(900_000).toString('base64')
  expect(await failure(JSON.stringify([larger]), { maxPicture: 500_000 })).toMatchObject({
    kind: 'too_large',
  })
})

test('a connection that is cut leaves no file, and its error passes through', async () => {
  await using test = await openTestSpool()
  const broken = new Error('socket hang up')
  async function* cut() {
    yield* chunked(`{"a":"${BASE64}","b":"${BASE64.slice(0, 60_000)}`, [20_000])
    throw broken
  }
  await expect(readJson(cut(), { spool: test.spool })).rejects.toBe(broken)
  expect(await test.files()).toHaveLength(1)
  await test.spool[Symbol.asyncDispose]()
  expect(await test.files()).toEqual([])
})

test('an error stops the stream', async () => {
  await using test = await openTestSpool()
  const stream = Readable.from(chunked(`["${BASE64.slice(0, 40_000)}!${BASE64.repeat(20)}"]`, [10_000]))
  await expect(readJson(stream, { spool: test.spool })).rejects.toMatchObject({ kind: 'invalid_base64' })
  expect(stream.destroyed).toBe(true)
})

test('a body of 300 MB needs little memory', async () => {
  await using test = await openTestSpool()
  const piece = noise(49_152).toString('base64')
  const start = fakePng(49_188).subarray(0, 49_152).toString('base64')
  const before = process.memoryUsage().rss
  let peak = 0
  async function* body() {
    yield Buffer.from(`{"data":[{"b64_json":"${start}`)
    for (let bytes = 0; bytes < 300e6; bytes += piece.length) {
      if (bytes > 150e6 && bytes - piece.length <= 150e6) yield Buffer.from(`"},{"b64_json":"${start}`)
      yield Buffer.from(piece)
      peak = Math.max(peak, process.memoryUsage().rss)
    }
    yield Buffer.from('"}]}')
  }
  const value = (await readJson(body(), { spool: test.spool })) as { data: { b64_json: Spooled }[] }
  expect(value.data.map((item) => item.b64_json.bytes > 100e6)).toEqual([true, true])
  expect((peak - before) / 1e6).toBeLessThan(80)
})

test('a mixed text is a SpooledText', async () => {
  await using test = await openTestSpool()
  const body = JSON.stringify({ content: `![](data:image/png;base64,${BASE64})` })
  const value = await readJson(chunked(body), { spool: test.spool })
  expect((value as { content: unknown }).content).toBeInstanceOf(SpooledText)
})
