import { base64 } from './openai-bodies.ts'
import {
  type ChatAnswer,
  chunks,
  completion,
  DONE,
  dataUrl,
  mark,
  withPictures,
} from './openai-chat-answer.ts'
import { DIALECTS, type Drawing } from './openai-chat-dialects.ts'
import { translate } from './openai-chat-translate.ts'
import { FAILURES } from './openai-failures.ts'
import { document, failure, type Reply, reply, sse, text } from './openai-reply.ts'
import { type Picture, whole } from './pictures.ts'
import type { RecordedRequest } from './recorded-request.ts'

/** What a test may say about a chat answer beside its behaviour. */
export interface ChatOptions {
  /** Default: 1. */
  pictures?: number
  /** Length of their sides in pixels. Default: what the request asks for, or 1024. */
  side?: number
  /** Text before and after the pictures. Default: `Here you go` and nothing. */
  before?: string
  after?: string
  /** Longest text of a delta in characters, data URLs included. Default: as the dialect has it. */
  piece?: number
  /** Of a plain chat. Default: 10. */
  deltas?: number
  /** Answer of `chat-says`. */
  says?: string
  /** Default: what the request asks for. */
  form?: 'stream' | 'json'
}

/** One chat call to answer. */
export interface ChatCall {
  request: RecordedRequest
  options: ChatOptions
  /** A new picture. */
  paint(): Promise<Picture>
  /** Offers bytes for download and returns the URL. */
  publish(bytes: Buffer): string
}

type Behaviour = (call: ChatCall) => Reply | Promise<Reply>

/** Ways of answering a chat, by name. Without a picture in the name they are plain text. */
export const CHAT_BEHAVIOURS = {
  /** As the real upstream of that model does: refuses, talks, or draws where the model or the request says so. */
  auto: (call) => {
    const model = String(call.request.body.model)
    if (/^(gpt-image|dall-e|grok-imagine-image)/.test(model)) return notAChatModel()
    return draws(call) ? drawn('images')(call) : plainText(call)
  },
  /** Plain text in so many deltas. */
  'chat-text': plainText,
  /** 380 bytes where it is no stream, worked out once. */
  'chat-instant': (call) => (isStream(call) ? INSTANT_STREAM : INSTANT),
  'chat-images': drawn('images'),
  'chat-signed': drawn('signed'),
  'chat-image-links': drawn('image-links'),
  'chat-markdown': drawn('markdown'),
  'chat-bare': drawn('bare'),
  'chat-parts': drawn('parts'),
  'chat-blocks': drawn('blocks'),
  'chat-url': drawn('url'),
  'chat-link': drawn('link'),
  'chat-links': drawn('links'),
  'chat-markdown-url': drawn('markdown-url'),
  'chat-base64': drawn('base64'),
  /** G: an answer of the images API. */
  'chat-data': async (call) => {
    const { pictures } = await draw(call)
    const body = { created: 1713833628, data: pictures.map((_, index) => ({ b64_json: mark(index) })) }
    return whicheverForm(call, withPictures(JSON.stringify(body), pictures))
  },
  'chat-data-url': async (call) => {
    const { link, count } = await draw(call)
    const data = Array.from({ length: count }, (_, index) => ({ url: link(index) }))
    return whicheverForm(call, [text(JSON.stringify({ created: 1713833628, data }))])
  },
  /** Thinks in the text, then draws as new-api does. */
  'chat-think': (call) => thinking(call, 'Let me think about the cat.'),
  /** The first picture is a draft among the thoughts. */
  'chat-think-picture': (call) => thinking(call, `A draft:\n![draft](${dataUrl(0)})\nNot good enough.`, 1),
  /** Thinks beside the text. */
  'chat-reasoning': async (call) => {
    const drawing = await draw(call)
    const thoughts = ['Let me ', 'think.'].map((part) => ({ reasoning_content: part }))
    return answer(call, { ...drawing, deltas: [...thoughts, ...DIALECTS.images(drawing)] })
  },
  /** Draws as OpenRouter does, with comments between the events. */
  'chat-comments': async (call) => {
    const drawing = await draw(call)
    return answer(call, { ...drawing, deltas: DIALECTS.images(drawing), comments: true })
  },
  /** Calls a tool with a picture of ours among the arguments, whatever was asked. */
  'chat-tools': (call) => answer(call, { deltas: toolCalls(call), pictures: [], finishReason: 'tool_calls' }),
  /** Says something, then that it failed. */
  'chat-error-mid': () =>
    sse([...INSTANT_STREAM.body.slice(0, 2), text(`data: ${JSON.stringify(OVERLOADED)}\n\n`)]),
  'chat-error-in-200': (call) => whicheverForm(call, [text(JSON.stringify(OVERLOADED))]),
  /** OpenRouter, when the provider behind it fails. */
  'chat-choice-error': (call) =>
    whicheverForm(call, [
      text(
        JSON.stringify({
          choices: [
            { index: 0, finish_reason: 'error', error: { code: 502, message: 'Provider overloaded' } },
          ],
        }),
      ),
    ]),
  'chat-says': (call) => answer(call, { deltas: [{ content: call.options.says ?? '' }], pictures: [] }),
  /** Says what `translationOf` says. */
  'chat-translate': (call) => answer(call, { deltas: [{ content: translate(call.request) }], pictures: [] }),
  /** Ends in the middle of the picture. */
  'chat-cut': async (call) => ({ ...(await drawn('images')(call)), fault: 'cut' }),
  'chat-filtered': (call) =>
    answer(call, { deltas: [{ content: '' }], pictures: [], finishReason: 'content_filter' }),
  /** Ended because it was as long as it may be. */
  'chat-too-long': (call) =>
    answer(call, { deltas: [{ content: 'a cat and' }], pictures: [], finishReason: 'length' }),
  'chat-empty': (call) => answer(call, { deltas: [], pictures: [] }),
  'chat-refusal': (call) => answer(call, { deltas: [{ content: 'I cannot draw that.' }], pictures: [] }),
  /** A gateway that takes only what OpenAI takes. */
  'chat-400-modalities': () =>
    failure(
      400,
      "Unknown parameter: 'modalities'.",
      'invalid_request_error',
      'unknown_parameter',
      'modalities',
    ),
  ...FAILURES,
} satisfies Record<string, Behaviour>

export type ChatBehaviourName = keyof typeof CHAT_BEHAVIOURS

function plainText(call: ChatCall): Reply {
  const { deltas = 10 } = call.options
  const words = Array.from({ length: deltas }, (_, index) => ({ content: `word${index} ` }))
  return answer(call, { deltas: words, pictures: [] })
}

function drawn(dialect: keyof typeof DIALECTS): (call: ChatCall) => Promise<Reply> {
  return async (call) => {
    const drawing = await draw(call)
    return answer(call, { ...drawing, deltas: DIALECTS[dialect](drawing) })
  }
}

/** Paints what a call asks for, and so many more at the end. */
async function draw(call: ChatCall, more = 0): Promise<Drawing & { pictures: Picture[] }> {
  const { pictures: count = 1, before = 'Here you go', after = '' } = call.options
  const pictures: Picture[] = []
  for (let index = 0; index < count + more; index += 1) pictures.push(await call.paint())
  const links: string[] = []
  const link = (index: number) => {
    const picture = pictures[index]
    if (picture !== undefined) links[index] ??= call.publish(whole(picture))
    return links[index] ?? ''
  }
  return { pictures, before, after, count, link }
}

async function thinking(call: ChatCall, thought: string, drafts = 0): Promise<Reply> {
  const { pictures, after, count } = await draw(call, drafts)
  const finals = Array.from({ length: count }, (_, index) => `![image](${dataUrl(index + drafts)})`)
  const content = [`<think>\n${thought}\n</think>`, ...finals, after]
    .filter((part) => part !== '')
    .join('\n\n')
  return answer(call, { deltas: [{ content }], pictures })
}

function answer({ request, options }: ChatCall, whatever: ChatAnswer): Reply {
  const { piece } = options
  const said = piece === undefined ? whatever : { ...whatever, deltas: cutUp(whatever, piece) }
  return isStream({ request, options }) ? chunks(request, said) : completion(request, said)
}

/** Texts in pieces. Their pictures become text, so not for very large ones. */
function cutUp({ deltas, pictures }: ChatAnswer, piece: number): ChatAnswer['deltas'] {
  return deltas.flatMap((delta) => {
    const { content, ...others } = delta
    if (typeof content !== 'string') return [delta]
    const full = content.replaceAll(/@@picture (\d+)@@/g, (_, index) => {
      const picture = pictures[Number(index)]
      return picture === undefined ? '' : Buffer.concat(base64(picture)).toString('latin1')
    })
    const pieces = Array.from({ length: Math.ceil(full.length / piece) }, (_, index) => ({
      content: full.slice(index * piece, (index + 1) * piece),
    }))
    return Object.keys(others).length === 0 ? pieces : [...pieces, others]
  })
}

function toolCalls({ request }: ChatCall): ChatAnswer['deltas'] {
  const id = 'call_fake'
  const edit = JSON.stringify({
    prompt: 'make it white',
    image_urls: [`http://${request.headers.host}/images/1`],
  })
  const call = { index: 0, id, type: 'function', function: { name: 'edit_image', arguments: edit } }
  return [{ tool_calls: [call] }]
}

/** A body as it is, or as the only event of a stream. */
function whicheverForm(call: ChatCall, body: readonly Buffer[]): Reply {
  return isStream(call) ? sse([text('data: '), ...body, text('\n\n'), DONE]) : reply(body)
}

function isStream({ request, options }: Pick<ChatCall, 'request' | 'options'>): boolean {
  return options.form === undefined ? request.body.stream === true : options.form === 'stream'
}

function draws({ request: { body } }: ChatCall): boolean {
  const wants = Array.isArray(body.modalities) && body.modalities.includes('image')
  return wants || /image|banana|imagine/.test(String(body.model))
}

function notAChatModel(): Reply {
  const message = 'This is not a chat model and thus not supported in the v1/chat/completions endpoint.'
  return failure(404, message, 'invalid_request_error', null, 'model')
}

const OVERLOADED = {
  error: {
    message: 'The engine is overloaded',
    type: 'server_error',
    param: null,
    code: 'engine_overloaded',
  },
}

const INSTANT_BYTES = 380
const INSTANT = instant()
const INSTANT_STREAM = sse([
  text(
    'data: {"id":"chatcmpl-fake","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n',
  ),
  text(
    'data: {"id":"chatcmpl-fake","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[{"index":0,"delta":{"content":"Hello there!"},"finish_reason":null}]}\n\n',
  ),
  text(
    'data: {"id":"chatcmpl-fake","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
  ),
  DONE,
])

function instant(): Reply {
  const body = (content: string) => ({
    id: 'chatcmpl-fake',
    object: 'chat.completion',
    created: 1700000000,
    model: 'fake',
    choices: [{ index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'stop' }],
    usage: { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 },
  })
  const missing = INSTANT_BYTES - JSON.stringify(body('')).length
  return document(body('Hello there! '.repeat(40).slice(0, missing)))
}
