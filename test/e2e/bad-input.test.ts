import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ERRORS, type ErrorCode } from '../../contract/errors.ts'
import { json, startWithUpstream } from '../pictor.ts'
import { countRows, findOrphans } from '../traces.ts'
import { bomb, paint, whole } from '../upstreams/pictures.ts'

type Served = Awaited<ReturnType<typeof startWithUpstream>>

const MiB = 1024 * 1024
const MODEL = 'gpt-image-1.5'

let pictor: Served
let png: Buffer
let gif: Buffer
let large: Buffer

beforeAll(async () => {
  pictor = await startWithUpstream()
  png = whole(await paint({ width: 64, height: 64, format: 'png', mark: 'small' }))
  large = whole(await paint({ width: 64, height: 64, format: 'png', mark: 'large', bytes: 60 * MiB }))
  gif = Buffer.from('R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==', 'base64')
})

afterAll(() => pictor[Symbol.asyncDispose]())

/** What a client is told, and nothing else may have happened. */
async function expectRefusal(
  path: string,
  init: RequestInit,
  { code, param = null, says = /./ }: { code: ErrorCode; param?: string | null; says?: RegExp },
): Promise<Response> {
  const before = await countRows(pictor.app.parts.gateway.database)
  const asked = drawings()
  const reply = await pictor.fetch(path, init)
  const { status, type, reason } = ERRORS[code]
  const body = await reply.json()
  expect(body).toEqual({ error: { message: expect.stringMatching(says), type, code, param } })
  expect({ status: reply.status, reason: reply.statusText }).toEqual({ status, reason })
  expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(reply.headers.get('x-request-id')).toMatch(/^[\w-]{8,}$/)
  await expectNothingLeft()
  expect(await countRows(pictor.app.parts.gateway.database)).toEqual(before)
  expect(drawings()).toBe(asked)
  expect((await pictor.fetch('/v1/models')).status).toBe(200)
  return reply
}

/** Calls that cost money. */
const drawings = () => pictor.upstream.requests.filter(({ method }) => method === 'POST').length

/** The spool of a request goes when its connection has let go of it, which may be a moment after the answer. */
const expectNothingLeft = () =>
  vi.waitFor(async () => {
    const { database } = pictor.app.parts.gateway
    expect(await findOrphans({ dataDirectory: pictor.dataDirectory, database })).toEqual([])
  })

const generation = (body: Record<string, unknown>) => json({ model: MODEL, prompt: 'a fox', ...body })

test.each<[string, Record<string, unknown>, ErrorCode, string, RegExp?]>([
  ['no prompt', { prompt: undefined }, 'missing_required_parameter', 'prompt'],
  ['prompt null', { prompt: null }, 'missing_required_parameter', 'prompt'],
  ['an empty prompt', { prompt: '' }, 'invalid_value', 'prompt', /empty/],
  ['a prompt that is too long', { prompt: 'x'.repeat(32_001) }, 'string_above_max_length', 'prompt', /32000/],
  ['a prompt that is an object', { prompt: { text: 'a fox' } }, 'invalid_value', 'prompt', /string/],
  ['an unknown model', { model: 'no-such-model' }, 'model_not_found', 'model', /no-such-model/],
  ['an empty model', { model: '' }, 'invalid_value', 'model'],
  ['a model with a name of 300 letters', { model: 'm'.repeat(300) }, 'string_above_max_length', 'model'],
  ['n = 0', { n: 0 }, 'invalid_value', 'n', /1/],
  ['n = 11', { n: 11 }, 'invalid_value', 'n', /10/],
  ['n = 1.5', { n: 1.5 }, 'invalid_value', 'n', /integer/],
  ['n = "two"', { n: 'two' }, 'invalid_value', 'n', /integer/],
  ['n = 1e999', { n: '1e999' }, 'invalid_value', 'n'],
  ['size banana', { size: 'banana' }, 'invalid_value', 'size', /WIDTHxHEIGHT/],
  ['size 0x0', { size: '0x0' }, 'invalid_value', 'size', /16 to 8192/],
  ['size 99999x99999', { size: '99999x99999' }, 'invalid_value', 'size', /16 to 8192/],
  ['size -1x100', { size: '-1x100' }, 'invalid_value', 'size'],
  ['aspect_ratio 7:3', { aspect_ratio: '7:3' }, 'invalid_value', 'aspect_ratio', /16:9/],
  ['quality superb', { quality: 'superb' }, 'invalid_value', 'quality', /high/],
  ['style loud', { style: 'loud' }, 'invalid_value', 'style', /vivid/],
  ['background red', { background: 'red' }, 'invalid_value', 'background', /transparent/],
  ['output_format bmp', { output_format: 'bmp' }, 'invalid_value', 'output_format', /webp/],
  ['output_compression 101', { output_compression: 101 }, 'invalid_value', 'output_compression', /100/],
  ['moderation none', { moderation: 'none' }, 'invalid_value', 'moderation'],
  ['response_format png', { response_format: 'png' }, 'invalid_value', 'response_format', /b64_json/],
  ['partial_images 4', { partial_images: 4 }, 'invalid_value', 'partial_images', /3/],
  ['seed -1', { seed: -1 }, 'invalid_value', 'seed'],
  ['seed 2^60', { seed: 2 ** 60 }, 'invalid_value', 'seed'],
  ['stream "maybe"', { stream: 'maybe' }, 'invalid_value', 'stream', /boolean/],
  ['stream and async', { stream: true, async: true }, 'invalid_value', 'stream', /async/],
  ['a webhook without async', { webhook_url: 'http://example.com' }, 'invalid_value', 'webhook_url', /async/],
  [
    'a webhook that is no URL',
    { async: true, webhook_url: 'not a url' },
    'invalid_value',
    'webhook_url',
    /uri/,
  ],
  [
    'a webhook without a secret to sign it',
    { async: true, webhook_url: 'http://example.com/hook' },
    'webhook_not_configured',
    'webhook_url',
    /WEBHOOK_SECRET/,
  ],
  ['a user of 513 letters', { user: 'u'.repeat(513) }, 'string_above_max_length', 'user'],
])('generations with %s are refused', async (_name, body, code, param, says = /./) => {
  await expectRefusal('/v1/images/generations', generation(body), { code, param, says })
})

const raw = (body: string | undefined, contentType = 'application/json'): RequestInit => ({
  method: 'POST',
  headers: contentType === '' ? {} : { 'content-type': contentType },
  ...(body === undefined ? {} : { body: contentType === '' ? new Blob([body]) : body }),
})

test.each<[string, RequestInit, ErrorCode, (string | null)?, RegExp?]>([
  ['malformed JSON', raw('{"prompt": "a fox",}'), 'invalid_json', null, /byte 19/],
  ['JSON that is cut', raw('{"prompt": "a f'), 'invalid_json'],
  ['JSON with something behind it', raw('{"prompt": "a fox"} 1'), 'invalid_json'],
  ['an empty body', raw(''), 'invalid_json'],
  ['no body', raw(undefined), 'invalid_json'],
  ['bytes that are no UTF-8 where a brace should be', raw('\xff\xfe{}'), 'invalid_json'],
  ['an array', raw('[]'), 'invalid_value', 'body', /object/],
  ['a string', raw('"a fox"'), 'invalid_value', 'body', /object/],
  ['null', raw('null'), 'invalid_value', 'body', /object/],
  ['text/plain', raw('a fox', 'text/plain'), 'unsupported_media_type', null, /application\/json/],
  ['XML', raw('<prompt/>', 'application/xml'), 'unsupported_media_type', null, /application\/xml/],
  ['a form', raw('prompt=a', 'application/x-www-form-urlencoded'), 'unsupported_media_type'],
  ['no content type', raw('{"prompt":"a fox"}', ''), 'unsupported_media_type'],
  ['a nonsense content type', raw('{}', 'banana'), 'unsupported_media_type'],
  ['a compression nobody knows', encoded('zstd-9000'), 'invalid_value', 'Content-Encoding', /zstd-9000/],
  ['a compression that it does not have', encoded('gzip'), 'invalid_value', 'Content-Encoding'],
  ['100,000 brackets', raw(nested(100_000)), 'invalid_value', 'deep', /nested/],
  ['a text of 17 MB', raw(`{"prompt":"${'x '.repeat(9 * MiB)}"}`), 'request_too_large'],
  [
    'an Idempotency-Key of 300 letters',
    { ...generation({}), headers: { ...JSON_TYPE(), 'idempotency-key': 'k'.repeat(300) } },
    'invalid_value',
    'Idempotency-Key',
  ],
])('a body that is %s is refused', async (_name, init, code, param = null, says = /./) => {
  await expectRefusal('/v1/images/generations', init, { code, param, says })
})

function JSON_TYPE() {
  return { 'content-type': 'application/json' }
}

function encoded(encoding: string): RequestInit {
  const init = raw('{"prompt":"a fox"}')
  return { ...init, headers: { ...JSON_TYPE(), 'content-encoding': encoding } }
}

function nested(depth: number): string {
  return `{"prompt":"a fox","deep":${'['.repeat(depth)}${']'.repeat(depth)}}`
}

const dataUrl = (bytes: Buffer, type = 'image/png') => `data:${type};base64,${bytes.toString('base64')}`

type File = [field: string, bytes: () => Buffer, name?: string]

function form(fields: Record<string, string>, ...files: File[]): RequestInit {
  const body = new FormData()
  for (const [name, value] of Object.entries({ model: MODEL, prompt: 'a fox', ...fields }))
    body.set(name, value)
  for (const [field, bytes, name = 'picture.png'] of files)
    body.append(field, new Blob([new Uint8Array(bytes())], { type: 'image/png' }), name)
  return { method: 'POST', body }
}

const text = () => Buffer.from('this is no picture, whatever its name says')
const svg = () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
const truncated = () => png.subarray(0, Math.floor(png.length * 0.6))
const good = () => png

const BAD_PICTURES: [string, () => Buffer, ErrorCode, RegExp][] = [
  ['a text file named .png', text, 'invalid_image', /./],
  ['a truncated PNG', truncated, 'invalid_image', /end/],
  ['the first 20 bytes of a PNG', () => png.subarray(0, 20), 'invalid_image', /./],
  ['a PNG bomb of 50,000 × 50,000 pixels', bomb, 'invalid_image', /50000×50000/],
  ['an SVG', svg, 'invalid_image', /SVG/i],
  ['a GIF', () => gif, 'invalid_image', /image\/gif/],
  ['an HTML page', () => Buffer.from('<!doctype html><title>x</title>'), 'invalid_image', /HTML/i],
  ['an empty file', () => Buffer.alloc(0), 'invalid_image', /empty|none/],
  ['60 MB', () => large, 'image_too_large', /52428800/],
]

test.each(BAD_PICTURES)('an upload of %s is refused', async (_name, bytes, code, says) => {
  const refusal = { code, param: 'image', says }
  await expectRefusal('/v1/images/edits', form({}, ['image', bytes]), refusal)
  const second = { ...refusal, param: 'image[1]' }
  await expectRefusal('/v1/images/edits', form({}, ['image[]', good], ['image[]', bytes]), {
    ...second,
    // A file that is too large is refused while it arrives, when its place among the others is not known yet.
    param: code === 'image_too_large' ? 'image[]' : second.param,
  })
  await expectRefusal('/v1/images/variations', form({}, ['image', bytes]), refusal)
})

test.each(BAD_PICTURES)('a mask of %s is refused', async (_name, bytes, code, says) => {
  const init = form({}, ['image', good], ['mask', bytes])
  await expectRefusal('/v1/images/edits', init, { code, param: 'mask', says })
})

test.each(BAD_PICTURES)('a data URL of %s is refused', async (_name, bytes, code, says) => {
  const init = json({ model: MODEL, prompt: 'a fox', image: [dataUrl(bytes())] })
  const param = code === 'image_too_large' ? null : 'image[0]'
  await expectRefusal('/v1/images/edits', init, {
    code: code === 'image_too_large' ? 'request_too_large' : code,
    param,
    says,
  })
})

const edit = (body: Record<string, unknown>) => json({ model: MODEL, prompt: 'a fox', ...body })
const manyFiles = (count: number) => Array.from({ length: count }, (): File => ['image[]', good])

test.each<[string, () => RequestInit, ErrorCode, (string | null)?, RegExp?]>([
  ['no picture', () => edit({}), 'missing_required_parameter', 'image'],
  ['an empty list of pictures', () => edit({ images: [] }), 'invalid_value', 'images', /fewer than 1/],
  ['no picture in a form', () => form({}), 'missing_required_parameter', 'image'],
  ['17 pictures in a form', () => form({}, ...manyFiles(17)), 'invalid_value', 'image', /16/],
  ['30 pictures in a form', () => form({}, ...manyFiles(30)), 'invalid_value', 'image[]', /many/],
  ['17 pictures', () => edit({ images: Array(17).fill(dataUrl(png)) }), 'invalid_value', 'images', /16/],
  [
    '1,000 pictures',
    () => edit({ images: Array(1000).fill({ image_url: dataUrl(spooledPng()) }) }),
    'invalid_value',
    'images',
    /16/,
  ],
  [
    'a thousand form fields',
    () => form(Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`field-${index}`, 'x']))),
    'invalid_value',
    'field-98',
    /many/,
  ],
  [
    'a form field of 2 MB',
    () => form({ prompt: 'x'.repeat(2 * MiB) }),
    'image_too_large',
    'prompt',
    /too long/,
  ],
  ['base64 with a bad character', () => edit({ image: `${'QUJD'.repeat(40)}!!` }), 'invalid_image', 'image'],
  [
    'a long data URL with a bad character',
    () => edit({ image: `data:image/png;base64,${'QUJD'.repeat(8000)}!!!!${'QUJD'.repeat(8000)}` }),
    'invalid_image',
    'image',
    /32022|base64/,
  ],
  ['a number for a picture', () => edit({ image: [7] }), 'invalid_image', 'image[0]'],
  ['an object without a picture', () => edit({ images: [{ data: 'x' }] }), 'invalid_image', 'images[0]'],
  ['a file id', () => edit({ images: [{ file_id: 'file-1' }] }), 'invalid_value', 'images[0].file_id'],
  ['a foreign URL', () => edit({ image: 'http://example.com/a.png' }), 'external_image_disabled', 'image'],
  [
    'a URL of a picture that is not here',
    () => edit({ image: `${pictor.url}/images/01890000-0000-7000-8000-000000000000` }),
    'external_image_disabled',
    'image',
  ],
  ['a data URL of text', () => edit({ image: 'data:text/plain,hello' }), 'invalid_image', 'image', /base64/],
  [
    'a form without a boundary',
    () => raw('x', 'multipart/form-data; a=b'),
    'invalid_value',
    'body',
    /boundary/,
  ],
  [
    'a form that is cut',
    () =>
      raw(
        '--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n\x89PNG',
        'multipart/form-data; boundary=b',
      ),
    'invalid_value',
    'body',
    /cut/,
  ],
  ['a form that is none', () => raw('hello', 'multipart/form-data; boundary=b'), 'invalid_value', 'body'],
  ['a prompt that is a file', () => form({}, ['image', good], ['prompt', good]), 'invalid_value', 'prompt'],
])('an edit with %s is refused', async (_name, init, code, param = null, says = /./) => {
  await expectRefusal('/v1/images/edits', init(), { code, param, says })
})

/** Long enough that it goes to the spool instead of staying text. */
function spooledPng(): Buffer {
  return Buffer.concat([png, Buffer.alloc(Math.max(0, 13_000 - png.length))])
}

test.each([
  ['no key', {}],
  ['a wrong key', { authorization: 'Bearer sk-wrong' }],
  ['an empty key', { authorization: 'Bearer ' }],
  ['another scheme', { authorization: 'Basic c2s6c2s=' }],
])('%s is refused', async (_name, headers) => {
  const reply = await fetch(`${pictor.url}/v1/images/generations`, { method: 'POST', headers })
  expect(reply.status).toBe(401)
  expect(reply.headers.get('www-authenticate')).toBe('Bearer')
  expect(await reply.json()).toMatchObject({
    error: { code: 'invalid_api_key', type: 'authentication_error' },
  })
})

test.each([
  ['/v1/nonsense', 'not_found'],
  ['/v1/models/no-such-model', 'model_not_found'],
  ['/v1/images/jobs/nonsense', 'job_not_found'],
  ['/v1/images/jobs/01890000-0000-7000-8000-000000000000', 'job_not_found'],
])('GET %s is %s', async (path, code) => {
  const reply = await pictor.fetch(path)
  expect({ status: reply.status, body: await reply.json() }).toMatchObject({
    status: 404,
    body: { error: { code } },
  })
})

test('headers of 100 KB are refused in the same shape', async () => {
  const reply = await pictor.fetch('/v1/models', { headers: { 'x-large': 'x'.repeat(100_000) } })
  const { status, statusText: reason } = reply
  expect({ status, reason }).toEqual({ status: 413, reason: 'Request too large' })
  const error = { message: expect.stringContaining('headers'), code: 'request_too_large', param: null }
  expect(await reply.json()).toMatchObject({ error })
})

test('what is no HTTP is refused in the same shape', async () => {
  const answer = await speak(pictor.url, 'BANANA\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 400 Invalid value\r\n/)
  expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: { param: 'request' } })
})

test('letters in an address that are not encoded are refused with what to do', async () => {
  const answer = await speak(
    pictor.url,
    'GET /api/v1/history/search?keyword=灯塔 HTTP/1.1\r\nhost: x\r\n\r\n',
  )
  expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({
    error: { param: 'URL', message: expect.stringContaining('percent-encoded') },
  })
})

/** What comes back for bytes of our own. */
async function speak(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.end(bytes)
  const chunks: Uint8Array[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('names like __proto__ are ordinary names', async () => {
  const body = `{"model":"${MODEL}","prompt":"a fox","__proto__":{"n":9},"constructor":{"prototype":{"n":9}}}`
  const reply = await pictor.fetch('/v1/images/generations', raw(body))
  expect(reply.status).toBe(200)
  expect(await reply.json()).toMatchObject({ data: [{ image_id: expect.any(String) }] })
  expect(pictor.upstream.requests.at(-1)?.body).toMatchObject({ n: 1 })
  expect({}).not.toHaveProperty('n')
  await expectNothingLeft()
})

test.each([
  ['NUL', 'a \0 fox'],
  ['a lone surrogate', 'a \ud800 fox'],
  ['emoji', '🦊👨‍👩‍👧‍👦 狐狸'],
  ['what looks like SQL, HTML and a placeholder', `'; drop table image; -- <b>{detail}</b>`],
])('a prompt with %s is drawn and kept', async (_name, prompt) => {
  const reply = await pictor.fetch('/v1/images/generations', generation({ prompt }))
  expect(reply.status).toBe(200)
  await expectNothingLeft()
})

test('two requests at once with one Idempotency-Key are one', async () => {
  const init = { ...generation({}), headers: { ...JSON_TYPE(), 'idempotency-key': 'twice' } }
  const asked = drawings()
  const replies = await Promise.all([1, 2, 3].map(() => pictor.fetch('/v1/images/generations', init)))
  const bodies = await Promise.all(replies.map((reply) => reply.json()))
  expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
  expect(bodies[0]).toMatchObject({ data: [{ image_id: expect.any(String) }] })
  expect(drawings()).toBe(asked + 1)
})

test('two different edits at once with one Idempotency-Key: one is drawn, one refused, nothing is left', async () => {
  const edits = ['one', 'two'].map(async (mark) => {
    const picture = whole(await paint({ width: 64, height: 64, format: 'png', mark }))
    const init = form({}, ['image', () => picture])
    return pictor.fetch('/v1/images/edits', { ...init, headers: { 'idempotency-key': 'different' } })
  })
  const replies = await Promise.all(edits)
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 409])
  await expectNothingLeft()
})

test('a client that hangs up in the middle of an upload leaves nothing', async () => {
  const leaving = new AbortController()
  async function* slowly() {
    yield Buffer.from('--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n')
    for (let index = 0; index < 8; index += 1) yield large.subarray(index * MiB, (index + 1) * MiB)
    setTimeout(() => leaving.abort(), 50)
    await new Promise((resolve) => leaving.signal.addEventListener('abort', resolve))
  }
  const before = await countRows(pictor.app.parts.gateway.database)
  const reply = pictor.fetch('/v1/images/edits', {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: ReadableStream.from(slowly()) as ReadableStream<Uint8Array>,
    signal: leaving.signal,
    duplex: 'half',
  } as RequestInit)
  await expect(reply).rejects.toThrow()
  await expectNothingLeft()
  expect(await countRows(pictor.app.parts.gateway.database)).toEqual(before)
})

test('a client with an Idempotency-Key may hang up before its task is written: the answer waits for it', async () => {
  const { server, parts } = pictor.app
  const init = { ...generation({}), headers: { ...JSON_TYPE(), 'idempotency-key': 'early' } }
  const leaving = new AbortController()
  // So that the key is known and the next request waits no sooner than for its task.
  await pictor.fetch('/v1/models')
  const drawn = drawings()
  const asked = once(server.server, 'request')
  // SQLite has one connection, so whoever wants to write has to wait for this transaction.
  await parts.gateway.database.query.transaction().execute(async () => {
    const reply = pictor.fetch('/v1/images/generations', { ...init, signal: leaving.signal })
    const [message] = await asked
    await vi.waitFor(() => expect(message.complete).toBe(true))
    leaving.abort()
    await expect(reply).rejects.toThrow()
    await vi.waitFor(() => expect(message.socket.destroyed).toBe(true))
  })
  await vi.waitFor(() => expect(drawings()).toBe(drawn + 1))
  const again = await pictor.fetch('/v1/images/generations', init)
  expect(again.status).toBe(200)
  expect(await again.json()).toMatchObject({ data: [{ image_id: expect.any(String) }] })
  expect(drawings()).toBe(drawn + 1)
  await expectNothingLeft()
})

test('after all this it still draws', async () => {
  const reply = await pictor.openai.images.generate({ model: MODEL, prompt: 'a fox' })
  expect(reply.data).toHaveLength(1)
  await expectNothingLeft()
})
