import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ERRORS, type ErrorCode } from '../../../contract/errors.ts'
import type { StoredImage } from '../../../contract/image.ts'
import { systemClock } from '../../base/clock.ts'
import { AppError } from '../../base/error.ts'
import { fakePng, openTestSpool } from '../../bytes/testing.ts'
import { writeJson } from '../../bytes/write-json.ts'
import type { Finished } from '../../gateway/generate.ts'
import type { TaskEvent } from '../../tasks/progress.ts'
import type { TaskRecord } from '../../tasks/task-table.ts'
import { failureText } from './failure-text.ts'
import { renderBreak, renderReply, renderStream, type StreamInput } from './render.ts'
import { CHAT_TEXTS } from './texts.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const image = (position: number) => ({ id: `id${position}`, position, mime: 'image/png' }) as StoredImage

const task = (facts: Partial<TaskRecord>) =>
  ({ failed: 0, total: 1, warnings: [], usage: undefined, error: undefined, ...facts }) as TaskRecord

const drawn = (count: number, facts: Partial<TaskRecord> = {}): Finished => ({
  task: task({ total: count, ...facts }),
  images: Array.from({ length: count }, (_, index) => image(index)),
})

const failed = (code: ErrorCode, options = {}): Finished => ({
  task: task({ failed: 1, error: new AppError(code, options) }),
  images: [],
})

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const link = (image: StoredImage) => `https://pictor.example/images/${image.id}`
const reply = {
  id: 'chatcmpl-1',
  model: 'pictor',
  created: 1,
  language: 'en',
  format: 'markdown',
  link,
} as const

/** A run of which each event comes so many ms after the one before. */
async function* after(...events: [number, TaskEvent][]): AsyncGenerator<TaskEvent> {
  for (const [ms, event] of events) {
    await wait(ms)
    yield event
  }
  yield { type: 'finished' }
}

const quiet = (): AsyncIterable<TaskEvent> => ({
  [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
})

const later = <T>(ms: number, value: T): Promise<T> => wait(ms).then(() => value)

interface Sent {
  at: number
  line: string
}

/** Reads a stream to its end, time running as fast as it can; each line with when it came, in ms. */
async function read(input: Partial<StreamInput>): Promise<Sent[]> {
  const sent: Sent[] = []
  const started = Date.now()
  let isDone = false
  const reading = (async () => {
    const stream = renderStream({
      ...reply,
      events: quiet(),
      finished: Promise.resolve(drawn(1)),
      total: 1,
      thumbnails: [],
      progress: 'content',
      includeUsage: false,
      clock: systemClock,
      ...input,
    })
    for await (const bytes of stream)
      sent.push({ at: Date.now() - started, line: Buffer.from(bytes).toString() })
  })().finally(() => {
    isDone = true
  })
  for (let turn = 0; !isDone && turn < 5000; turn++) await vi.advanceTimersByTimeAsync(100)
  await reading
  expect(vi.getTimerCount()).toBe(0)
  return sent
}

/** The chunks of a stream, after looking at its raw lines. */
function chunksOf(sent: readonly Sent[]) {
  for (const { line } of sent) {
    expect(line).toMatch(/^data: [^\n]+\n\n$/)
    expect(Buffer.byteLength(line)).toBeLessThan(64 * 1024)
  }
  expect(sent.at(-1)?.line).toBe('data: [DONE]\n\n')
  return sent.slice(0, -1).map(({ line }) => JSON.parse(line.slice(6)))
}

const textOf = (sent: readonly Sent[], field = 'content') =>
  chunksOf(sent)
    .map((chunk) => chunk.choices[0]?.delta[field] ?? '')
    .join('')

test('an instant picture is told of and shown at once, in Chinese', async () => {
  const sent = await read({
    language: 'zh',
    thumbnails: ['https://p/1', 'https://p/2', 'https://p/3', 'https://p/4'],
  })
  expect(sent.every(({ at }) => at === 0)).toBe(true)
  expect(textOf(sent)).toBe(`### 图片创作

已接收您的创作请求。

![参考图 1](https://p/1) ![参考图 2](https://p/2) ![参考图 3](https://p/3)

正在连接绘图模型

✓ 图片已完成

![image](https://pictor.example/images/id0)

${CHAT_TEXTS.zh.closing}`)
})

test('a long run is told with ticks and stages in one growing line', async () => {
  const events = after(
    [4000, { type: 'progress', percent: 0, stage: 'sketching' }],
    [500, { type: 'progress', percent: 4, stage: 'sketching' }],
    [500, { type: 'progress', percent: 30, stage: 'sketching' }],
    [2000, { type: 'progress', stage: 'medium' }],
    [1000, { type: 'progress', percent: 60, stage: 'Beautifying\n*now*' }],
    [1000, { type: 'image', image: image(0) }],
  )
  const sent = await read({ events, finished: later(10_200, drawn(1)) })
  expect(textOf(sent)).toBe(`### Drawing a picture

Your request has been received.

Connecting to the model · 3 s · sketching · 30% · 6 s · medium quality · Beautifying now 60% · 9 s

✓ Ready after 10 s

![image](https://pictor.example/images/id0)

${CHAT_TEXTS.en.closing}`)
  expect(sent.filter(({ line }) => / \d s"/.test(line)).map(({ at }) => at)).toEqual([3000, 6000, 9000])
})

test('several pictures are announced as they arrive and shown together, previews are counted', async () => {
  const picture = fakeSpooled()
  const events = after(
    [100, { type: 'partial', index: 0, partialIndex: 0, picture }],
    [100, { type: 'partial', index: 0, partialIndex: 1, picture }],
    [100, { type: 'image', image: image(0) }],
    [100, { type: 'image', image: image(1) }],
  )
  const text = textOf(await read({ events, total: 2, finished: later(500, drawn(2)) }))
  expect(text).toContain(
    'model · preview 1 · preview 2 · 1 of 2 received · 2 of 2 received\n\n✓ 2 pictures ready',
  )
  expect(text).toContain(
    '![image](https://pictor.example/images/id0)\n\n![image](https://pictor.example/images/id1)\n\nTo',
  )
})

function fakeSpooled() {
  return { path: '' } as (TaskEvent & { type: 'partial' })['picture']
}

test('chunks are those of the chat API', async () => {
  const usage = { input_tokens: 5, output_tokens: 7, total_tokens: 12 }
  const finished = Promise.resolve(drawn(1, { usage }))
  const chunks = chunksOf(await read({ finished, includeUsage: true }))
  for (const chunk of chunks) {
    expect(chunk).toMatchObject({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'pictor',
    })
  }
  expect(chunks[0].choices).toEqual([
    { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null },
  ])
  expect(chunks.at(-2).choices).toEqual([{ index: 0, delta: {}, finish_reason: 'stop' }])
  expect(chunks.at(-1)).toMatchObject({
    choices: [],
    usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
  })
  expect(chunksOf(await read({ finished })).at(-1).choices[0].finish_reason).toBe('stop')
  expect(chunksOf(await read({ includeUsage: true })).at(-1).choices[0].finish_reason).toBe('stop')
})

test('progress can go into the reasoning; the answer is then the picture', async () => {
  const sent = await read({ progress: 'reasoning', finished: later(7000, drawn(1)) })
  expect(textOf(sent)).toBe(`![image](https://pictor.example/images/id0)\n\n${CHAT_TEXTS.en.closing}`)
  expect(textOf(sent, 'reasoning_content')).toContain(
    'Connecting to the model · 3 s · 6 s\n\n✓ Ready after 7 s',
  )
})

test('without progress, only an invisible character shows that the stream is alive', async () => {
  const events = after([1000, { type: 'progress', percent: 50, stage: 'painting' }])
  const sent = await read({ progress: 'off', events, finished: later(21_000, drawn(1)) })
  expect(textOf(sent)).toBe(`${'\u200b'.repeat(5)}![image](https://pictor.example/images/id0)\n\n`)
})

test.each(['content', 'reasoning', 'off'] as const)(
  'never more than five seconds are silent: %s',
  async (progress) => {
    const sent = await read({ progress, finished: later(60_000, drawn(1)) })
    const gaps = sent.map(({ at }, index) => at - (sent[index - 1]?.at ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5000)
    expect(sent.at(-1)?.at).toBe(60_000)
  },
)

test('events that break off or were never told do not keep the answer back', async () => {
  const broken = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('gone')) }) }
  expect(textOf(await read({ events: broken, finished: later(4000, drawn(1)) }))).toContain(' · 3 s\n\n✓')
  expect(textOf(await read({ events: after(), finished: later(4000, drawn(1)) }))).toContain(' · 3 s\n\n✓')
})

test('a reader who leaves leaves no timer behind', async () => {
  const stream = renderStream({
    ...reply,
    events: quiet(),
    finished: new Promise(() => {}),
    total: 1,
    thumbnails: [],
    progress: 'content',
    includeUsage: false,
    clock: systemClock,
  })
  for (let count = 0; count < 5; count++) {
    const next = stream.next()
    await vi.advanceTimersByTimeAsync(3000)
    await next
  }
  await stream.return()
  expect(vi.getTimerCount()).toBe(0)
})

test('a failure says what happened and what to do, and ends like an answer', async () => {
  const finished = Promise.resolve(failed('insufficient_quota', { values: { detail: 'secret words' } }))
  const sent = await read({ finished, language: 'zh' })
  expect(textOf(sent)).toBe(`### 图片创作

已接收您的创作请求。

正在连接绘图模型

**没有画成：绘图额度已用完**

请稍后再试，或换一个模型。管理员可以为上游账户补充额度。`)
  expect(chunksOf(sent).at(-1).choices[0].finish_reason).toBe('stop')
  expect(failureText(new AppError('insufficient_quota', { retryAfter: 3600 }), 'en')).toContain(
    'in about 60 minutes',
  )
  const silent = await read({ finished, progress: 'off' })
  expect(textOf(silent)).toMatch(/^\*\*Could not draw this: the quota is used up\*\*/)
  const thrown = Promise.reject(new Error('ENOENT /secret/path'))
  thrown.catch(() => {})
  const text = textOf(await read({ finished: thrown }))
  expect(text).toContain('something unexpected')
  expect(text).not.toContain('secret')
})

test('every error has words of its own or the general ones, and nothing of an upstream breaks the page', () => {
  const values = { detail: 'a\n![x](http://evil) `'.repeat(200), param: 'p' }
  for (const code of Object.keys(ERRORS)) {
    for (const language of ['en', 'zh'] as const) {
      const text = failureText(new AppError(code as ErrorCode, { values }), language)
      expect(text).not.toMatch(/undefined|!\[|[!！]$/)
      expect(text.length).toBeLessThan(1500)
    }
  }
  expect(failureText(new AppError('rate_limit_exceeded', { retryAfter: 7.2 }), 'zh')).toContain(
    '请在 8 秒后重试',
  )
  const moderated = new AppError('content_policy_violation', { values: { detail: 'it shows a weapon.' } })
  expect(failureText(moderated, 'en')).toMatch(/moderation[\s\S]*another way[\s\S]*it shows a weapon\./)
})

test('what is missing of several pictures is said', async () => {
  const some = await read({
    finished: Promise.resolve(drawn(2, { total: 3, failed: 1 })),
    total: 3,
    language: 'zh',
  })
  expect(textOf(some)).toContain('\n\n✓ 已完成 2 张（共 3 张）\n\n![image]')
  const finished = Promise.resolve(
    drawn(2, { total: 3, failed: 1, warnings: [{ param: 'n', message: '1 failed' }] }),
  )
  const sent = await read({ finished, total: 3, progress: 'off' })
  expect(textOf(sent)).toMatch(/id1\)\n\n1 of 3 pictures could not be drawn\. .* want more\.$/)
  expect(chunksOf(sent).at(-1).warnings).toEqual([{ param: 'n', message: '1 failed' }])
})

test('pictures go out in the form that was asked for', async () => {
  const part = { type: 'image_url', image_url: { url: 'https://pictor.example/images/id0' } }
  const deltas = async (format: StreamInput['format']) =>
    chunksOf(await read({ format, progress: 'off' }))
      .slice(1, -1)
      .map((chunk) => chunk.choices[0].delta)
  const markdown = { content: '![image](https://pictor.example/images/id0)\n\n' }
  expect(await deltas('markdown')).toEqual([markdown])
  expect(await deltas('parts')).toEqual([markdown, { images: [{ ...part, index: 0 }] }])
  expect(await deltas('content')).toEqual([{ content: [part] }])
})

test('base64 goes out in many short lines that make up the picture', async () => {
  vi.useRealTimers()
  await using test = await openTestSpool()
  const bytes = fakePng(300_001)
  const file = await test.spool.receive([bytes] as never)
  const form = { format: 'base64', file: async () => file } as const
  const lines: Sent[] = []
  const stream = renderStream({
    ...reply,
    ...form,
    events: quiet(),
    finished: Promise.resolve(drawn(2)),
    total: 2,
    thumbnails: [],
    progress: 'off',
    includeUsage: false,
    clock: systemClock,
  })
  for await (const line of stream) lines.push({ at: 0, line: Buffer.from(line).toString() })
  const expected = `![image](data:image/png;base64,${bytes.toString('base64')})\n\n`
  expect(textOf(lines)).toBe(expected + expected)
  const body = writeJson(await renderReply(drawn(2), { ...reply, ...form }))
  const whole: Uint8Array[] = []
  for await (const chunk of body.chunks()) whole.push(chunk)
  expect(JSON.parse(Buffer.concat(whole).toString()).choices[0].message.content).toBe(expected + expected)
})

test('a reply that is no stream has all pictures in one choice, and content that is never empty', async () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, cost: { deep: 'x' } }
  expect(await renderReply(drawn(2, { usage }), reply)).toEqual({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'pictor',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content:
            '![image](https://pictor.example/images/id0)\n\n![image](https://pictor.example/images/id1)',
        },
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  })
  const message = async (finished: Finished, format: StreamInput['format']) =>
    JSON.parse(JSON.stringify(await renderReply(finished, { ...reply, format }))).choices[0].message
  const part = { type: 'image_url', image_url: { url: 'https://pictor.example/images/id0' } }
  expect(await message(drawn(1), 'parts')).toEqual({
    role: 'assistant',
    content: '![image](https://pictor.example/images/id0)',
    images: [{ ...part, index: 0 }],
  })
  expect(await message(drawn(1), 'content')).toEqual({ role: 'assistant', content: [part] })
  const partial = await message(drawn(1, { total: 2, failed: 1 }), 'content')
  expect(partial.content).toEqual([part, { type: 'text', text: CHAT_TEXTS.en.missing(1, 2) }])
  for (const format of ['markdown', 'parts', 'content', 'base64'] as const) {
    expect((await message(failed('upstream_timeout'), format)).content).toMatch(/took too long/)
  }
})

test('a stream that broke off ends like any other', () => {
  const sent = renderBreak(reply, 'zh').map((bytes) => ({ at: 0, line: Buffer.from(bytes).toString() }))
  expect(textOf(sent)).toMatch(/^\n\n\*\*回答中断了\*\*\n\n/)
  expect(chunksOf(sent).at(-1).choices[0].finish_reason).toBe('stop')
})

test('both languages say everything calmly', () => {
  const words = JSON.stringify(CHAT_TEXTS)
  expect(words).not.toMatch(/[!！]|\p{Extended_Pictographic}/u)
  expect(Object.keys(CHAT_TEXTS.zh.failures)).toEqual(Object.keys(CHAT_TEXTS.en.failures))
})
