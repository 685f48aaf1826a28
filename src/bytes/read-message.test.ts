import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Message, MessageReader } from './read-message.ts'
import { fakePng, openTestSpool, type TestSpool, unspool } from './testing.ts'

let temporary: TestSpool
beforeAll(async () => {
  temporary = await openTestSpool()
})
afterAll(() => temporary[Symbol.asyncDispose]())

const picture = fakePng(200_000)
const base64 = picture.toString('base64')

/** Cuts each message into pieces of this size. */
async function readAll(texts: readonly string[], size: number, maxPicture?: number): Promise<Message[]> {
  const reader = new MessageReader({ spool: temporary.spool, maxPicture, maxText: 50_000 })
  const messages: Message[] = []
  for (const text of texts) {
    const bytes = Buffer.from(text)
    for (let at = 0; at === 0 || at < bytes.length; at += size) {
      const message = await reader.push(bytes.subarray(at, at + size), at + size >= bytes.length)
      if (message !== undefined) messages.push(message)
    }
  }
  return messages
}

test.each([1, 7, 65_536, 1_000_000])('pictures go to files, in pieces of %i bytes', async (size) => {
  const small = size === 1 ? fakePng(30_000) : picture
  const texts = ['{"a":1}', JSON.stringify({ blob: small.toString('base64'), id: 'ü' }), '[]']
  const messages = await readAll(texts, size)
  expect(await unspool(messages)).toEqual([
    { value: { a: 1 } },
    { value: { blob: { prefix: '', base64: small.toString('base64') }, id: 'ü' } },
    { value: [] },
  ])
})

test('a message that cannot be read spoils only itself, and leaves no file', async () => {
  const before = (await temporary.files()).length
  const texts = [
    'pong',
    '{"blob":"AA',
    '',
    `{"blob":"${base64.slice(0, 50_000)}!${base64}"}`,
    `{"blob":"${base64}`,
    `{"text":"${'x y '.repeat(40_000)}"}`,
    '{"fine":true}',
  ]
  const kinds = (await readAll(texts, 1000)).map((message) =>
    'flaw' in message ? message.flaw.kind : message.value,
  )
  expect(kinds).toEqual([
    'invalid_json',
    'truncated',
    'invalid_json',
    'invalid_base64',
    'truncated',
    'too_large',
    { fine: true },
  ])
  expect(await temporary.files()).toHaveLength(before)
})

test('a picture above the limit is a flaw', async () => {
  const [message] = await readAll([`{"blob":"${base64}"}`], 65_536, 100_000)
  expect(message).toMatchObject({ flaw: { kind: 'too_large' } })
})

test('giving up removes the picture that had begun', async () => {
  const before = (await temporary.files()).length
  const reader = new MessageReader({ spool: temporary.spool })
  await reader.push(Buffer.from(`{"blob":"${base64.slice(0, 100_000)}`), false)
  await reader.abort()
  expect(await temporary.files()).toHaveLength(before)
})
