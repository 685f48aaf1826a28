import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakePng } from '../../../bytes/testing.ts'
import {
  chunk,
  GREEN,
  GREEN_URL,
  RED,
  RED_URL,
  readAsClient,
  recorded,
  streamed,
  type TestOptions,
} from './testing.ts'

const RED_IMAGE = `![image](${RED_URL})`
const GREEN_IMAGE = `![image](${GREEN_URL})`

const DIALECTS: [name: string, content: string, kept: string[], options?: TestOptions][] = [
  ['a-images.sse', `Here you go\n\n${RED_IMAGE}\n\n${GREEN_IMAGE}`, [RED, GREEN]],
  ['b-markdown.sse', RED_IMAGE, [RED]],
  ['b-split.sse', `Voilà: ![a cat](${RED_URL})\nand <img src="${GREEN_URL}"> done.`, [RED, GREEN]],
  ['b-bare.sse', `Result:\n${RED_IMAGE}\nThe end`, [RED]],
  ['b-escaped.sse', RED_IMAGE, [RED]],
  ['c-parts.sse', `First\n\n${RED_IMAGE}\n\nthen\n\n${GREEN_IMAGE}`, [RED, GREEN]],
  ['d-blocks.sse', `Look\n\n${RED_IMAGE}`, [RED]],
  [
    'e-links.sse',
    '[image](https://own.example/a.png#kept) and ![x](https://own.example/b?id=1#kept) or ![image](https://own.example/c.webp#kept). See https://example.org/page.',
    [],
    { urls: true },
  ],
  ['g-data.sse', RED_IMAGE, [RED]],
  ['think.sse', `<think>drafting  hm</think>\n\nHere ${RED_IMAGE}`, [RED]],
  ['think-only.sse', `<think>\n\n${RED_IMAGE}`, [RED]],
]

for (const [name, content, kept, options] of DIALECTS) {
  test(`${name}: the same however it is cut`, async () => {
    const body = recorded(name)
    const whole = await streamed(body, options)
    expect(readAsClient(whole.text)).toMatchObject({ content, finish: ['stop'], images: [], isDone: true })
    expect(whole.kept.map(({ base64 }) => base64)).toEqual(kept)
    expect(whole.text).not.toContain('base64')
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, async (sizes) => {
        const { text, kept } = await streamed(body, { ...options, sizes })
        expect(readAsClient(text)).toEqual(readAsClient(whole.text))
        expect(kept).toEqual(whole.kept)
      }),
      { numRuns: 200 },
    )
  })
}

for (const length of [3000, 40_000, 60_000, 300_000]) {
  test(`pictures of ${length} bytes in every dialect and form`, async () => {
    const red = fakePng(length).toString('base64')
    const green = fakePng(length, 2).toString('base64')
    for (const [name, content, expected, options] of DIALECTS) {
      if (!recorded(name).includes(RED)) continue
      const pictures = { ...options, red, green }
      for (const format of ['markdown', 'parts', 'content', 'base64'] as const) {
        const { text, kept } = await streamed(recorded(name, red, green), { ...pictures, format })
        const answer = readAsClient(text)
        const same = (base64: string) => (base64 === RED ? red : base64 === GREEN ? green : base64)
        expect(kept.map(({ base64 }) => base64)).toEqual(expected.map(same))
        expect(answer.longest).toBeLessThan(65_536)
        expect(answer).toMatchObject({ finish: ['stop'], isDone: true })
        const urls = [...content.matchAll(/https:\/\/own.example\/(?:red|green)/g)]
        const parts = urls.map(([url]) => ({ type: 'image_url', image_url: { url } }))
        if (format === 'markdown' || format === 'parts') expect(answer.content).toBe(content)
        expect(answer.images).toEqual(format === 'parts' ? parts : [])
        expect(answer.parts).toEqual(format === 'content' ? parts : [])
        if (format !== 'base64') continue
        const data = (base64: string) => `data:image/png;base64,${base64}`
        expect(answer.content === content.replace(RED_URL, data(red)).replace(GREEN_URL, data(green))).toBe(
          true,
        )
      }
    }
  })
}

const WHOLE: [name: string, content: string, options?: TestOptions][] = [
  ['a-images.json', `Here you go\n\n${RED_IMAGE}\n\n${GREEN_IMAGE}`],
  ['g-data.json', `${RED_IMAGE}\n\n${GREEN_IMAGE}`],
  [
    'e-images.json',
    'Done\n\n![image](https://own.example/x#kept)\n\n![image](https://gone.example/y.png)',
    { urls: true },
  ],
]

for (const [name, content, options] of WHOLE) {
  test(`${name} in answer to a stream becomes one`, async () => {
    const { text } = await streamed(recorded(name), { ...options, isStream: false })
    const answer = readAsClient(text)
    expect(answer).toMatchObject({
      content,
      finish: ['stop'],
      isDone: true,
      usage: { total_tokens: expect.any(Number) },
    })
    expect(text).toContain('"delta":{"role":"assistant"')
    expect(text).not.toContain('"message"')
  })
}

test('a whole answer in answer to a stream keeps tool calls and errors', async () => {
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
  const message = { role: 'assistant', content: null, tool_calls: [call] }
  const reply = {
    id: 'x',
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
  }
  const { text } = await streamed(JSON.stringify(reply), { isStream: false })
  const [first] = text.split('\n\n')
  expect(JSON.parse(first?.slice(6) ?? '')).toEqual({
    id: 'x',
    object: 'chat.completion.chunk',
    choices: [
      {
        index: 0,
        delta: { role: 'assistant', content: null, tool_calls: [{ index: 0, ...call }] },
        finish_reason: 'tool_calls',
      },
    ],
  })
  const failed = await streamed('{"error":{"message":"no"}}', { isStream: false })
  expect(failed.text).toBe('data: {"error":{"message":"no"}}\n\ndata: [DONE]\n\n')
})

test.each([
  ['![a](', ')'],
  ['[a](<', '>)'],
  ['<img src="', '">'],
  ["<img src='", "'>"],
  ['`', '`'],
])('a picture stays what it is in %s…%s, however small the deltas are', async (open, close) => {
  for (const size of [1, 2, 3, 7, 40]) {
    const text = `So: ${open}data:image/png;base64,${RED}${close} done`
    const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
      chunk({ content: text.slice(index * size, (index + 1) * size) }),
    )
    const { text: out } = await streamed(
      `${chunk({ content: 'Hi. ' })}${pieces.join('')}${chunk({}, 'stop')}`,
    )
    expect(readAsClient(out).content).toBe(`Hi. So: ${open}${RED_URL}${close} done`)
  }
})

test('a picture stands apart from words that passed unread', async () => {
  const images = [{ type: 'image_url', image_url: { url: `data:image/png;base64,${RED}` } }]
  const deltas = [{ role: 'assistant' }, { reasoning_content: 'hm' }, { content: 'Here:' }, { images }]
  const { text } = await streamed(deltas.map((delta) => chunk(delta)).join(''))
  expect(readAsClient(text).content).toBe(`Here:\n\n${RED_IMAGE}`)
  const { text: alone } = await streamed(
    deltas
      .toSpliced(2, 1)
      .map((delta) => chunk(delta))
      .join(''),
  )
  expect(readAsClient(alone).content).toBe(RED_IMAGE)
})
