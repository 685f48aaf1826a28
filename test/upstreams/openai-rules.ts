import { failure, type Reply } from './openai-reply.ts'
import type { RecordedRequest } from './recorded-request.ts'

/** What the real upstreams refuse, model family by family; undefined where they would draw. */
export function refusalOf(request: Pick<RecordedRequest, 'path' | 'headers' | 'body'>): Reply | undefined {
  const { body, headers, path } = request
  if (typeof body.prompt !== 'string' && !path.includes('/variations')) return missing('prompt')
  const family = FAMILIES.find(({ pattern }) => pattern.test(String(body.model)))
  if (family === undefined) return undefined
  const { parameters, maxImages, takesSize, values, isXai } = family
  const unknown = Object.keys(body).find((name) => !parameters.includes(name))
  if (unknown !== undefined) return isXai ? unknownField(unknown) : unknownParameter(unknown)
  if (Number(body.n ?? 1) > maxImages) return invalid('n', body.n)
  if (body.size !== undefined && !takesSize(String(body.size))) return invalid('size', body.size)
  const wrong = Object.keys(values).find(
    (name) => name in body && !values[name]?.includes(String(body[name])),
  )
  if (wrong !== undefined) return invalid(wrong, body[wrong])
  return isXai && headers['content-type']?.startsWith('multipart/') ? wantsJson() : undefined
}

interface Family {
  pattern: RegExp
  parameters: readonly string[]
  maxImages: number
  takesSize(size: string): boolean
  values: Readonly<Record<string, readonly string[]>>
  isXai: boolean
}

const COMMON = ['model', 'prompt', 'n', 'size', 'user']
const GPT: Omit<Family, 'pattern'> = {
  parameters: [
    ...[
      ...COMMON,
      'quality',
      'background',
      'output_format',
      'output_compression',
      'moderation',
      'partial_images',
    ],
    ...['stream', 'input_fidelity', 'images', 'mask'],
  ],
  maxImages: 10,
  takesSize: (size) => ['auto', '1024x1024', '1536x1024', '1024x1536'].includes(size),
  values: {
    quality: ['auto', 'low', 'medium', 'high'],
    background: ['auto', 'transparent', 'opaque'],
    output_format: ['png', 'jpeg', 'webp'],
  },
  isXai: false,
}

const FAMILIES: readonly Family[] = [
  { ...GPT, pattern: /^gpt-image-2/, takesSize: isFreeSize },
  { ...GPT, pattern: /^(gpt-image|chatgpt-image)/ },
  {
    pattern: /^dall-e-3/,
    parameters: [...COMMON, 'quality', 'style', 'response_format'],
    maxImages: 1,
    takesSize: (size) => ['1024x1024', '1792x1024', '1024x1792'].includes(size),
    values: { quality: ['standard', 'hd'], style: ['vivid', 'natural'] },
    isXai: false,
  },
  {
    pattern: /^dall-e-2/,
    parameters: [...COMMON, 'response_format'],
    maxImages: 10,
    takesSize: (size) => ['256x256', '512x512', '1024x1024'].includes(size),
    values: {},
    isXai: false,
  },
  {
    pattern: /^grok/,
    parameters: [
      ...['model', 'prompt', 'n', 'user', 'aspect_ratio', 'resolution', 'quality', 'response_format'],
      ...['image', 'images'],
    ],
    maxImages: 10,
    takesSize: () => false,
    values: { resolution: ['1k', '2k'], quality: ['low', 'medium'], aspect_ratio: xaiRatios() },
    isXai: true,
  },
]

/** gpt-image-2: sides ÷ 16, ratio 1:3 to 3:1, at most as many pixels as 3840×2160. */
function isFreeSize(size: string): boolean {
  if (size === 'auto') return true
  const [width = 0, height = 0] = size.split('x').map(Number)
  const [short, long] = width < height ? [width, height] : [height, width]
  return (
    width % 16 === 0 &&
    height % 16 === 0 &&
    short > 0 &&
    long <= 3 * short &&
    long <= 3840 &&
    width * height <= 3840 * 2160
  )
}

function xaiRatios(): string[] {
  const wide = ['4:3', '16:9', '3:2', '19.5:9', '20:9', '2:1']
  return ['1:1', 'auto', ...wide, ...wide.map((ratio) => ratio.split(':').reverse().join(':'))]
}

function missing(name: string): Reply {
  const message = `Missing required parameter: '${name}'.`
  return failure(400, message, 'invalid_request_error', 'missing_required_parameter', name)
}

function unknownParameter(name: string): Reply {
  return failure(400, `Unknown parameter: '${name}'.`, 'invalid_request_error', 'unknown_parameter', name)
}

function unknownField(name: string): Reply {
  const message = `Failed to deserialize the JSON body: unknown field \`${name}\``
  return failure(422, message, 'invalid_request_error', null)
}

function invalid(name: string, value: unknown): Reply {
  return failure(400, `Invalid value: '${String(value)}'.`, 'invalid_request_error', 'invalid_value', name)
}

function wantsJson(): Reply {
  return failure(415, 'Expected request with `Content-Type: application/json`', 'invalid_request_error', null)
}
