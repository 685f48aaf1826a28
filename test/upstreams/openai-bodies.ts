import { document, type Reply, reply, sse, text } from './openai-reply.ts'
import { type Picture, type PictureFormat, whole } from './pictures.ts'
import type { RecordedRequest } from './recorded-request.ts'

/** One image call to answer. */
export interface ImageCall {
  request: RecordedRequest
  kind: 'image_generation' | 'image_edit'
  n: number
  format: PictureFormat
  /** A new picture of the size that was asked for. */
  paint(format?: PictureFormat): Promise<Picture>
  /** Offers bytes for download and returns the URL. */
  publish(bytes: Buffer, options?: { type?: string; needsKey?: boolean; host?: string }): string
}

/** OpenAI's answer with base64. */
export function b64(call: ImageCall, details: Record<string, unknown> = {}): Promise<Reply> {
  return json(
    call,
    (picture) => [text('{"b64_json":"'), ...base64(picture), text('"}')],
    call.format,
    details,
  )
}

/** xAI's answer with base64. */
export function xai(call: ImageCall): Promise<Reply> {
  const end = text('","revised_prompt":"","respect_moderation":true}')
  const item = (picture: Picture) => [text('{"b64_json":"'), ...base64(picture), end]
  return json(call, item, 'jpeg', { usage: { cost_in_usd_ticks: 200_000_000 } })
}

export async function json(
  call: ImageCall,
  item: (picture: Picture, index: number) => Buffer[],
  format: PictureFormat = call.format,
  rest: Record<string, unknown> = {},
): Promise<Reply> {
  const parts = [text(`${JSON.stringify({ created: 1713833628, ...rest }).slice(0, -1)},"data":[`)]
  for (let index = 0; index < call.n; index += 1) {
    if (index > 0) parts.push(text(','))
    parts.push(...item(await call.paint(format), index))
  }
  return reply([...parts, text(']}')])
}

export async function links(
  call: ImageCall,
  options?: { type?: string; needsKey?: boolean; host?: string },
  change = (url: string) => url,
): Promise<Reply> {
  const data = []
  for (let index = 0; index < call.n; index += 1) {
    const url = call.publish(whole(await call.paint()), options)
    data.push({ url: change(url), revised_prompt: `A detailed ${String(call.request.body.prompt)}` })
  }
  return document({ created: 1770935200, data })
}

export async function events(
  call: ImageCall,
  { partials, finalFirst = false, done = false }: { partials: number; finalFirst?: boolean; done?: boolean },
): Promise<Reply> {
  const usage = { total_tokens: 100, input_tokens: 50, output_tokens: 50 }
  const facts = {
    created_at: 1713833628,
    size: '1024x1024',
    quality: 'low',
    background: 'opaque',
    output_format: call.format,
  }
  const event = async (type: string, more: Record<string, unknown>) => [
    text(`event: ${call.kind}.${type}\ndata: {"type":"${call.kind}.${type}","b64_json":"`),
    ...base64(await call.paint()),
    text(`",${JSON.stringify({ ...facts, ...more }).slice(1)}\n\n`),
  ]
  const previews: Buffer[] = []
  for (let index = 0; index < partials; index += 1) {
    previews.push(...(await event('partial_image', { partial_image_index: index })))
  }
  const final = await event('completed', { usage })
  const ordered = finalFirst ? [...final, ...previews] : [...previews, ...final]
  return sse(done ? [...ordered, text('data: [DONE]\n\n')] : ordered)
}

const encoded = new WeakMap<Buffer, Buffer>()

/** The head's length is a multiple of three, so the two texts join. */
export function base64({ head, tail }: Picture): Buffer[] {
  let text64 = encoded.get(head)
  if (text64 === undefined) {
    text64 = text(head.toString('base64'))
    encoded.set(head, text64)
  }
  return [text64, text(tail.toString('base64'))]
}
