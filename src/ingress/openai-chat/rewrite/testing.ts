import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { chunked, openTestSpool } from '../../../bytes/testing.ts'
import { writeJson } from '../../../bytes/write-json.ts'
import type { ChatImageFormat, PictureKeeper } from './options.ts'
import { recordsIn } from './records.ts'
import { rewriteReply } from './rewrite-reply.ts'
import { rewriteStream } from './rewrite-stream.ts'

/** The two pictures of the recorded replies: real PNGs of 8×8 and 8×6 pixels, one red, one green. */
export const RED =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAEUlEQVQImWM4Y2yMFTEMLQkACspMgcuiywsAAAAASUVORK5CYII='
export const GREEN =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAGCAIAAABxZ0isAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAAEUlEQVQImWMwPmOMFTEMpAQA0KY5YZ+/pc4AAAAASUVORK5CYII='

export const RED_URL = 'https://own.example/red'
export const GREEN_URL = 'https://own.example/green'

/** What an upstream sent, byte for byte, with other pictures in place of the small ones. */
export function recorded(name: string, red = RED, green = GREEN): string {
  const text = readFileSync(new URL(`replies/${name}`, import.meta.url), 'utf8')
  return text.replaceAll(RED, red).replaceAll(GREEN, green)
}

export interface TestOptions {
  format?: ChatImageFormat
  isStream?: boolean
  sizes?: readonly number[]
  /** Foreign pictures are kept, but for those of gone.example. */
  urls?: boolean
  /** Base64 of the pictures that are known as red and green. */
  red?: string
  green?: string
}

/** A picture that was kept, with what is in its file. */
export interface Kept {
  url: string
  base64: string
  signature?: string
}

/** A keeper that looks into the files. */
export function createTestKeeper({ urls = false, red = RED, green = GREEN }: TestOptions = {}) {
  const kept: Kept[] = []
  const keeper: PictureKeeper = {
    async keep(picture, facts) {
      const base64 = (await readFile(picture.path)).toString('base64')
      const hash = createHash('sha256').update(base64).digest('hex')
      const url =
        base64 === red ? RED_URL : base64 === green ? GREEN_URL : `https://own.example/${hash.slice(0, 8)}`
      kept.push({ url, base64, ...facts })
      return url
    },
    ...(urls && {
      async keepUrl(url: string) {
        return url.includes('gone.example') ? undefined : `${url.replace('cdn', 'own')}#kept`
      },
    }),
  }
  return { keeper, kept }
}

/** A streamed answer as the client gets it. */
export async function streamed(body: string, options: TestOptions = {}) {
  await using test = await openTestSpool()
  const { keeper, kept } = createTestKeeper(options)
  const { format = 'markdown', isStream = true } = options
  const chunks = chunked(body, options.sizes)
  const out = await Array.fromAsync(
    rewriteStream(chunks, { spool: test.spool, keeper, format, isStream }),
    (chunk) => Buffer.from(chunk),
  )
  return { text: Buffer.concat(out).toString('utf8'), kept }
}

/** A whole answer as the client gets it. */
export async function replied(body: string, options: TestOptions = {}) {
  await using test = await openTestSpool()
  const { keeper, kept } = createTestKeeper(options)
  const { format = 'markdown', isStream = false } = options
  const chunks = chunked(body, options.sizes)
  const reply = await rewriteReply(chunks, { spool: test.spool, keeper, format, isStream })
  if ('raw' in reply) return { text: Buffer.from(reply.raw).toString('utf8'), kept, isRaw: true }
  const text = Buffer.concat(await Array.fromAsync(writeJson(reply.value).chunks())).toString('utf8')
  return { text, kept, isRaw: false }
}

/** What a client makes of an event stream, reading it as strictly as the strictest one does: a line, an event. */
export function readAsClient(text: string) {
  const lines = text.split(/\r\n|\n/)
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim())
  const chunks = data.filter((line) => line !== '[DONE]').map((line): unknown => JSON.parse(line))
  const answer = {
    content: '',
    reasoning: '',
    parts: [] as unknown[],
    images: [] as unknown[],
    arguments: '',
    finish: [] as unknown[],
    usage: undefined as unknown,
    errors: [] as unknown[],
    isDone: data.filter((line) => line === '[DONE]').length === 1 && data.at(-1) === '[DONE]',
    longest: Math.max(...lines.map((line) => Buffer.byteLength(line))),
  }
  for (const chunk of chunks) {
    const { choices, usage, error } = chunk as Record<string, unknown>
    answer.usage = usage ?? answer.usage
    if (error !== undefined) answer.errors.push(error)
    for (const { delta, finish_reason } of recordsIn(choices)) {
      const { content, images, reasoning_content, tool_calls } = delta as Record<string, unknown>
      if (typeof content === 'string') answer.content += content
      else if (Array.isArray(content)) answer.parts.push(...(content as unknown[]))
      if (Array.isArray(images)) answer.images.push(...(images as unknown[]))
      answer.reasoning += typeof reasoning_content === 'string' ? reasoning_content : ''
      for (const call of recordsIn(tool_calls)) {
        answer.arguments += (call.function as { arguments?: string } | undefined)?.arguments ?? ''
      }
      if (typeof finish_reason === 'string') answer.finish.push(finish_reason)
    }
  }
  return answer
}

/** An event with a delta. */
export function chunk(delta: object, finish: string | null = null): string {
  return `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
}
