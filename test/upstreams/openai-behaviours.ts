import { brotliCompressSync, gzipSync } from 'node:zlib'
import { b64, base64, events, type ImageCall, json, links, xai } from './openai-bodies.ts'
import { FAILURES } from './openai-failures.ts'
import { document, type Reply, reply, sse, text } from './openai-reply.ts'
import { refusalOf } from './openai-rules.ts'
import { bomb, whole } from './pictures.ts'

type Behaviour = (call: ImageCall) => Reply | Promise<Reply>

/** Every way of answering that was seen in the wild, by name. */
export const BEHAVIOURS = {
  /** As the real upstream of that model does: refuses what it refuses, streams when asked. */
  auto: async (call) => refusalOf(call.request) ?? (await answerLikeUpstream(call)),
  b64,
  url: (call) => links(call),
  'url-wrong-mime': (call) => links(call, { type: 'text/plain' }),
  'url-needs-key': (call) => links(call, { needsKey: true }),
  /** Same server by another name, so another origin. */
  'url-other-origin': (call) => links(call, { host: 'localhost' }),
  'url-gone': (call) => links(call, undefined, (url) => `${url}-gone`),
  'url-html': async (call) =>
    document({ data: [{ url: call.publish(text('<html>expired</html>'), { type: 'text/html' }) }] }),
  'data-url': (call) =>
    json(call, (picture) => [text('{"url":"data:image/png;base64,'), ...base64(picture), text('"}')]),
  'b64-data-prefix': (call) =>
    json(call, (picture) => [text('{"b64_json":"data:image/png;base64,'), ...base64(picture), text('"}')]),
  'both-b64-and-url': (call) =>
    json(call, (picture) => [
      text('{"url":"https://gone.invalid/x.png","b64_json":"'),
      ...base64(picture),
      text('"}'),
    ]),
  /** JPEG bytes labelled PNG. */
  'wrong-mime': (call) =>
    json(
      call,
      (picture) => [text('{"b64_json":"data:image/png;base64,'), ...base64(picture), text('"}')],
      'jpeg',
    ),
  xai,
  'xai-moderated': () =>
    document({ data: [{ url: '', respect_moderation: false }], usage: { cost_in_usd_ticks: 0 } }),
  'xai-half-moderated': (call) =>
    json(call, (picture, index) => [
      text(`{"respect_moderation":${index % 2 === 0},"b64_json":"`),
      ...base64(picture),
      text('"}'),
    ]),
  'chat-body': async (call) => {
    const picture = await call.paint()
    return reply([
      text(
        '{"id":"gen-1","object":"chat.completion","created":1,"choices":[{"index":0,"finish_reason":"stop","message":',
      ),
      text(
        '{"role":"assistant","content":"Here","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,',
      ),
      ...base64(picture),
      text('"}}]}}]}'),
    ])
  },
  /** The first picture is none. */
  'half-broken': async (call) => {
    const good = whole(await call.paint('png')).toString('base64')
    return document({ data: [{ b64_json: 'bm90IGEgcGljdHVyZQ==' }, { b64_json: good }] })
  },
  cut: async (call) => ({ ...(await b64(call)), fault: 'cut' }),
  'sse-partials': (call) => events(call, { partials: 2 }),
  'sse-final-first': (call) => events(call, { partials: 2, finalFirst: true }),
  'sse-done': (call) => events(call, { partials: 0, done: true }),
  'sse-error': async () =>
    sse([
      text(
        'event: error\ndata: {"type":"error","error":{"message":"The engine is overloaded","type":"server_error","param":null,"code":"engine_overloaded"}}\n\n',
      ),
    ]),
  'sse-cut': async (call) => ({ ...(await events(call, { partials: 2 })), fault: 'cut' }),
  'sse-ends-early': async (call) => sse((await events(call, { partials: 1 })).body.slice(0, 4)),
  'stream-asked-json-answered': (call) => b64(call),
  'json-asked-sse-answered': (call) => events(call, { partials: 0 }),
  gzip: async (call) => compressed(await b64(call), 'gzip', gzipSync),
  br: async (call) => compressed(await b64(call), 'br', (bytes) => brotliCompressSync(bytes)),
  'truncated-png': async (call) => {
    const bytes = whole(await call.paint('png'))
    return document({ data: [{ b64_json: bytes.subarray(0, bytes.length * 0.6).toString('base64') }] })
  },
  'bomb-png': () => document({ data: [{ b64_json: bomb().toString('base64') }] }),
  svg: () =>
    document({ data: [{ b64_json: text('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64') }] }),
  'bad-base64': () => document({ data: [{ b64_json: `${'QUJD'.repeat(8000)}!!!!${'QUJD'.repeat(8000)}` }] }),
  ...FAILURES,
} satisfies Record<string, Behaviour>

export type BehaviourName = keyof typeof BEHAVIOURS

async function answerLikeUpstream(call: ImageCall): Promise<Reply> {
  const { body } = call.request
  const model = String(body.model)
  if (isTrue(body.stream)) return events(call, { partials: Number(body.partial_images ?? 0) })
  if (/^grok/.test(model)) return body.response_format === 'b64_json' ? xai(call) : links(call)
  if (/^dall-e/.test(model)) return body.response_format === 'b64_json' ? b64(call) : links(call)
  const details = {
    background: body.background ?? 'opaque',
    output_format: call.format,
    quality: body.quality ?? 'low',
    size: body.size ?? '1024x1024',
    usage: { total_tokens: 1066, input_tokens: 10, output_tokens: 1056 },
  }
  return b64(call, details)
}

function compressed(plain: Reply, encoding: string, compress: (bytes: Buffer) => Buffer): Reply {
  const body = [compress(Buffer.concat(plain.body))]
  return { ...plain, headers: { ...plain.headers, 'content-encoding': encoding }, body }
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true'
}
