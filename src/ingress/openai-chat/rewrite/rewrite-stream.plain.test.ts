import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openTestSpool } from '../../../bytes/testing.ts'
import { rewriteStream } from './rewrite-stream.ts'
import { chunk, createTestKeeper, readAsClient, recorded, streamed } from './testing.ts'

test('usage, roles, tool calls, comments and errors arrive as they were sent', async () => {
  for (const name of ['tools.sse', 'error.sse']) {
    for (const sizes of [[1], [7, 300], [65_536]]) {
      expect((await streamed(recorded(name), { sizes })).text).toBe(recorded(name))
    }
  }
  const { text } = await streamed(recorded('a-images.sse'))
  expect(text).toMatch(/^: OPENROUTER PROCESSING\n\ndata: {[^\n]*"role":"assistant"/)
  expect(readAsClient(text).usage).toMatchObject({ total_tokens: 1355 })
  const common = { id: 'gen-1', created: 1760000000, model: 'google/gemini-3.1-flash-image' }
  for (const line of text.match(/^data: {.*/gm) ?? [])
    expect(JSON.parse(line.slice(6))).toMatchObject({ ...common, object: 'chat.completion.chunk' })
})

/** Pieces of text that begin like what is looked for, and go on as something else. */
const pieces = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom(
    'data:',
    'd',
    'da',
    'data:image/png;base64,',
    'data:image/png',
    'iVBORw0KGgo',
    '![x](',
    'h',
    '`',
  ),
  fc.constantFrom(
    'https://gone.example/',
    '<',
    '<th',
    'ink>',
    '</think>',
    '"',
    '\\',
    '(',
    ')',
    '!',
    '[',
    '漢',
    '😀',
    '\u0000',
    '\n',
  ),
)

test('plain chat passes, whatever it looks like for a moment', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 9 })
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 30 }), sizes, fc.boolean(), async (texts, sizes, urls) => {
      const body = `${texts.map((content) => chunk({ content })).join('')}${chunk({}, 'stop')}data: [DONE]\n\n`
      const { text, kept } = await streamed(body, { sizes, urls })
      expect(readAsClient(text)).toEqual({ ...readAsClient(body), longest: expect.any(Number) })
      expect(kept).toEqual([])
    }),
    { numRuns: 300 },
  )
})

const lines = fc.constantFrom('\n', '\r\n', '\r')
const words = fc.string({ unit: fc.constantFrom(...'abcefgijk xyz漢é😀,.\n\\"{}[]:'), maxLength: 20 })

test('plain chat streams pass byte for byte', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 9 })
  const event = fc.oneof(
    words.map((content) => chunk({ content: `${content}e` })),
    words.map((reasoning_content) => chunk({ reasoning_content: `${reasoning_content}e` })),
    fc.constantFrom(
      ': keep-alive\n\n',
      'event: message\nid: 3\n: x\ndata: {"choices":[]}\n\n',
      'data: no json\n\n',
    ),
    fc.constant('data: {"choices":\ndata: [],"usage":{"total_tokens":3}}\n\n'),
    fc.constant(chunk({ tool_calls: [{ index: 0, function: { arguments: '{"x":"data' } }] })),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 20 }), sizes, lines, async (events, sizes, line) => {
      const body = `${events.join('')}data: [DONE]\n\n`.replaceAll('\n', line)
      const { text } = await streamed(body, { sizes })
      expect(text.trimEnd()).toBe(body.trimEnd())
    }),
    { numRuns: 300 },
  )
})

test('what is plain goes out before more comes in', async () => {
  const { keeper } = createTestKeeper()
  await using spool = await openTestSpool()
  const sent = [
    chunk({ role: 'assistant' }),
    chunk({ content: 'Hello' }),
    chunk({ content: ' you' }),
    'data: {"ch',
  ]
  const read: string[] = []
  async function* body() {
    for (const text of sent) {
      expect(read.join('')).toBe(sent.slice(0, sent.indexOf(text)).join(''))
      yield Buffer.from(text)
    }
    yield Buffer.from('oices":[]}\n\ndata: [DONE]\n\n')
  }
  for await (const bytes of rewriteStream(body(), { spool: spool.spool, keeper, format: 'markdown' }))
    read.push(Buffer.from(bytes).toString())
  expect(read.join('')).toBe(`${sent.join('')}oices":[]}\n\ndata: [DONE]\n\n`)
})

test('data URLs that are explained stay as they are', async () => {
  const text = `Write \`data:image/png;base64,iVBORw0KGgo...\` or data:image/svg+xml;base64,PHN2Zz4= there`
  const body = `${[...text].map((content) => chunk({ content })).join('')}${chunk({}, 'stop')}`
  const { text: out, kept } = await streamed(body)
  expect(readAsClient(out).content).toBe(text)
  expect(kept).toEqual([])
})
