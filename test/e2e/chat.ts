import { expect } from 'vitest'
import { json, type TestPictor } from '../pictor.ts'
import type { FakeOpenAi } from '../upstreams/openai.ts'
import { whole } from '../upstreams/pictures.ts'
import { idOf, sha256Of, storedBytes } from './evidence.ts'

/** A delta or message, as far as tests look at it. */
export interface Said {
  role?: string
  content?: string | Record<string, unknown>[] | null
  reasoning_content?: string
  images?: { type: string; image_url: { url: string } }[]
  tool_calls?: Record<string, unknown>[]
}

export interface Chunk {
  id: string
  object: string
  model: string
  choices: { index: number; delta: Said; finish_reason: string | null }[]
  usage?: Record<string, number>
}

export interface Completion {
  id: string
  object: string
  model: string
  choices: { index: number; message: Said; finish_reason: string }[]
  usage?: Record<string, unknown>
  warnings?: { param?: string; message: string }[]
}

/** A stream as it came over the wire. */
export interface ChatStream {
  raw: string
  chunks: Chunk[]
  deltas: Said[]
  /** The text of all deltas. */
  content: string
  reasoning: string
}

type Body = Record<string, unknown>

/** No client that reads line by line may be given a longer one. */
const LONGEST_LINE = 64 * 1024

export const post = (
  { fetch }: TestPictor,
  body: Body,
  init: RequestInit & { headers?: Record<string, string> } = {},
) => fetch('/v1/chat/completions', { ...init, ...json(body, init.headers) })

/** Asks for a stream, and checks what holds for every one: its type, its lines, its end. */
export async function stream(
  pictor: TestPictor,
  body: Body,
  headers: Record<string, string> = {},
): Promise<ChatStream> {
  const response = await post(pictor, { ...body, stream: true }, { headers })
  const raw = await response.text()
  expect(response.status, raw).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const lines = raw.split('\n')
  for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThan(LONGEST_LINE)
  expect(raw.endsWith('data: [DONE]\n\n'), raw.slice(-300)).toBe(true)
  const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6))
  const chunks = data.slice(0, -1).map((line): Chunk => JSON.parse(line))
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta))
  expect(deltas[0]?.role).toBe('assistant')
  const content = deltas.map((delta) => (typeof delta.content === 'string' ? delta.content : '')).join('')
  const reasoning = deltas.map((delta) => delta.reasoning_content ?? '').join('')
  return { raw, chunks, deltas, content, reasoning }
}

/** Asks for an answer as a whole. */
export async function complete(
  pictor: TestPictor,
  body: Body,
  headers: Record<string, string> = {},
): Promise<Completion> {
  const response = await post(pictor, body, { headers })
  const raw = await response.text()
  expect(response.status, raw).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  return JSON.parse(raw)
}

/** The answer's words, however it is asked for. */
export async function answer(
  pictor: TestPictor,
  body: Body,
  headers: Record<string, string> = {},
): Promise<string> {
  if (body.stream === true) return (await stream(pictor, body, headers)).content
  return String((await complete(pictor, body, headers)).choices[0]?.message.content)
}

export const user = (content: unknown) => ({ role: 'user', content })
export const assistant = (content: unknown) => ({ role: 'assistant', content })
export const imagePart = (url: string) => ({ type: 'image_url', image_url: { url } })
export const textPart = (text: string) => ({ type: 'text', text })

/** The links to drawn pictures in an answer, without the thumbnails of what they were drawn from. */
export const linksIn = (text: string): string[] =>
  Array.from(text.matchAll(/!\[[^\]]*\]\(([^)\s]+)\)/g), ([, url = '']) => url).filter(
    (url) => !url.endsWith('/thumbnail'),
  )

/** The hash of the stored picture behind a link. */
export const sumOf = async (pictor: TestPictor, url: string | undefined): Promise<string> =>
  sha256Of(await storedBytes(pictor, idOf(url)))

/** The hashes of what an upstream has painted, in its order. */
export const paintedBy = (upstream: FakeOpenAi): string[] =>
  upstream.painted.map((picture) => sha256Of(whole(picture)))

/** A chat with a picture of its own for tests that need one: its link. */
export async function drawOne(pictor: TestPictor, prompt = 'a cat'): Promise<string> {
  const [link = ''] = linksIn(
    await answer(pictor, { model: 'image-for-tests', messages: [user(prompt)], size: '64x64' }),
  )
  return link
}
