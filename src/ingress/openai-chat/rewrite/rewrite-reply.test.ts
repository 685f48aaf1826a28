import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fakePng } from '../../../bytes/testing.ts'
import { recordsIn } from './records.ts'
import { GREEN, GREEN_URL, RED, RED_URL, recorded, replied, type TestOptions } from './testing.ts'

const RED_IMAGE = `![image](${RED_URL})`
const GREEN_IMAGE = `![image](${GREEN_URL})`

const DIALECTS: [name: string, content: string, kept: string[], options?: TestOptions][] = [
  ['a-images.json', `Here you go\n\n${RED_IMAGE}\n\n${GREEN_IMAGE}`, [RED, GREEN]],
  ['a-strings.json', `${RED_IMAGE}\n\n${GREEN_IMAGE}`, [RED, GREEN]],
  ['a-signature.json', RED_IMAGE, [RED]],
  ['b-markdown.json', RED_IMAGE, [RED]],
  ['b-bare.json', `Result:\n${RED_IMAGE}\nThe end`, [RED]],
  ['c-parts.json', `First\n\n${RED_IMAGE}\n\nthen\n\n${GREEN_IMAGE}`, [RED, GREEN]],
  ['d-blocks.json', `Look\n\n${RED_IMAGE}`, [RED]],
  [
    'e-links.json',
    '[image](https://own.example/a.png#kept) and ![x](https://own.example/b?id=1#kept) or ![image](https://own.example/c.webp#kept). See https://example.org/page.',
    [],
    { urls: true },
  ],
  [
    'e-images.json',
    'Done\n\n![image](https://own.example/x#kept)\n\n![image](https://gone.example/y.png)',
    [],
    { urls: true },
  ],
  ['f-base64.json', `${RED_IMAGE}\n\nok`, [RED]],
  ['g-data.json', `${RED_IMAGE}\n\n${GREEN_IMAGE}`, [RED, GREEN]],
  ['think.json', `Here ${RED_IMAGE}`, [RED]],
  ['twice.json', RED_IMAGE, [RED]],
  ['thought.json', RED_IMAGE, [RED]],
]

interface Completion {
  object: string
  choices: {
    index: number
    message: { role: string; content: unknown; images?: unknown[] }
    finish_reason: string
  }[]
  usage: { total_tokens: number }
}

const read = (text: string): Completion => JSON.parse(text) as Completion

for (const [name, content, kept, options] of DIALECTS) {
  test(`${name}: the same however it is cut`, async () => {
    const body = recorded(name)
    const whole = await replied(body, options)
    const { object, choices, usage } = read(whole.text)
    expect(object).toBe('chat.completion')
    expect(choices).toEqual([{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }])
    expect(usage.total_tokens).toBeGreaterThan(0)
    expect(whole.kept.map(({ base64 }) => base64)).toEqual(kept)
    if (name.startsWith('g')) return
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(sizes, async (sizes) => {
        expect(await replied(body, { ...options, sizes })).toEqual(whole)
      }),
      { numRuns: 200 },
    )
  })

  test(`${name}: pictures of any length in every form`, async () => {
    for (const length of [3000, 40_000, 60_000, 300_000]) {
      const red = fakePng(length).toString('base64')
      const green = fakePng(length, 2).toString('base64')
      const body = recorded(name, red, green)
      const same = (base64: string) => (base64 === RED ? red : green)
      for (const format of ['markdown', 'parts', 'content', 'base64'] as const) {
        const reply = await replied(body, { ...options, format, red, green })
        expect(reply.kept.map(({ base64 }) => base64)).toEqual(kept.map(same))
        const { message } = read(reply.text).choices[0] ?? { message: undefined }
        const urls = [...content.matchAll(/!\[\w+\]\((\S+)\)|\((\S+)\)/g)].map(
          ([, shown, linked]) => shown ?? linked,
        )
        const parts = urls.map((url) => ({ type: 'image_url', image_url: { url } }))
        if (format === 'markdown' || format === 'parts') expect(message?.content).toBe(content)
        if (format === 'parts') expect(message?.images).toEqual(parts)
        if (format === 'content' && name !== 'e-links.json') {
          expect(recordsIn(message?.content).filter(({ type }) => type === 'image_url')).toEqual(parts)
        }
        if (format !== 'base64') continue
        const data = (base64: string) => `data:image/png;base64,${base64}`
        expect(message?.content === content.replace(RED_URL, data(red)).replace(GREEN_URL, data(green))).toBe(
          true,
        )
      }
    }
  })
}

test('a signature goes to the keeper, wherever it stands', async () => {
  expect((await replied(recorded('a-signature.json'))).kept).toMatchObject([{ signature: 'c2ln' }])
  const picture = { type: 'image_url', image_url: { url: `data:image/png;base64,${RED}` } }
  for (const message of [
    { images: [{ ...picture, thought_signature: 'c2ln' }] },
    { images: [{ ...picture, thoughtSignature: 'c2ln' }] },
    { images: [picture], extra_content: { google: { thought_signature: 'c2ln' } } },
    { content: `![x](${picture.image_url.url})`, thought_signature: 'c2ln' },
  ]) {
    const { kept } = await replied(JSON.stringify({ choices: [{ index: 0, message }] }))
    expect(kept).toMatchObject([{ signature: 'c2ln' }])
  }
})

test('a list of content parts reads in order', async () => {
  const { text } = await replied(recorded('c-parts.json'), { format: 'content' })
  expect(read(text).choices[0]?.message.content).toEqual([
    { type: 'text', text: 'First' },
    { type: 'image_url', image_url: { url: RED_URL } },
    { type: 'text', text: 'then' },
    { type: 'image_url', image_url: { url: GREEN_URL } },
  ])
})

test('a plain reply is the same bytes, a long one the same value', async () => {
  const message = {
    role: 'assistant',
    content: 'Hello "you", data: <think>no</think> and 漢',
    tool_calls: [{ id: 'd' }],
  }
  const value = {
    id: 'x',
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
  }
  const plain = JSON.stringify(value, null, 2)
  expect(await replied(plain, { sizes: [7] })).toEqual({ text: plain, kept: [], isRaw: true })
  const long = {
    ...value,
    choices: [{ ...value.choices[0], message: { ...message, content: 'abc "d'.repeat(20_000) } }],
  }
  const reply = await replied(JSON.stringify(long))
  expect(JSON.parse(reply.text)).toEqual(long)
  expect((await replied('{"error":{"message":"no"}}')).text).toBe('{"error":{"message":"no"}}')
})

test('thoughts stay where there is no picture', async () => {
  const message = { role: 'assistant', content: '<think>data:image/png;base64, hm</think>Hello' }
  const body = JSON.stringify({ choices: [{ index: 0, message }] })
  expect(JSON.parse((await replied(body)).text)).toEqual({ choices: [{ index: 0, message }] })
})

test('a cut or broken reply is an error', async () => {
  await expect(replied('{"choices":[')).rejects.toMatchObject({ kind: 'truncated' })
  await expect(replied('<html>')).rejects.toMatchObject({ kind: 'invalid_json' })
  const broken = recorded('a-images.json', RED.slice(0, 60))
  await expect(replied(broken)).rejects.toMatchObject({ kind: 'truncated' })
})

const STREAMED: [name: string, message: object, finish: string, options?: TestOptions][] = [
  ['a-images.sse', { content: `Here you go\n\n${RED_IMAGE}\n\n${GREEN_IMAGE}` }, 'stop'],
  ['b-split.sse', { content: `Voilà: ![a cat](${RED_URL})\nand <img src="${GREEN_URL}"> done.` }, 'stop'],
  ['c-parts.sse', { content: `First\n\n${RED_IMAGE}\n\nthen\n\n${GREEN_IMAGE}` }, 'stop'],
  ['think.sse', { content: `Here ${RED_IMAGE}` }, 'stop'],
  ['g-data.sse', { content: RED_IMAGE }, 'stop'],
  [
    'tools.sse',
    {
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'draw', arguments: '{"a":"d"}' } }],
    },
    'tool_calls',
  ],
]

for (const [name, message, finish_reason] of STREAMED) {
  test(`${name} in answer to a plain request becomes one completion`, async () => {
    const { text } = await replied(recorded(name), { isStream: true })
    const { object, choices } = read(text)
    expect(object).toBe('chat.completion')
    expect(choices).toEqual([{ index: 0, message: { role: 'assistant', ...message }, finish_reason }])
  })
}

test('a picture in many long pieces becomes one, also without a stream', async () => {
  const red = fakePng(300_000).toString('base64')
  const text = `![x](data:image/png;base64,${red}) end`
  for (const first of [5, 12, 27, 100_000, 100_001, 100_002, 100_003]) {
    const events = [text.slice(0, first), text.slice(first, 250_000), text.slice(250_000)]
      .map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`)
      .join('')
    const reply = await replied(events, { isStream: true, red })
    expect(read(reply.text).choices[0]?.message.content).toBe(`![x](${RED_URL}) end`)
  }
})

test('an error among the events is the answer', async () => {
  const { text } = await replied(recorded('error.sse'), { isStream: true })
  expect(JSON.parse(text)).toEqual({ error: { message: 'Provider overloaded', code: 502 } })
})
