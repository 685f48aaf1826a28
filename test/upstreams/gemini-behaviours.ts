import {
  type AnswerPart,
  answer,
  asDocument,
  asEvents,
  asList,
  type GeminiCall,
  USAGE,
} from './gemini-bodies.ts'
import { FAILURES } from './gemini-failures.ts'
import { refusalOf, wantsPictures } from './gemini-rules.ts'
import { document, type Reply, sse, text } from './openai-reply.ts'
import { bomb, whole } from './pictures.ts'

type Behaviour = (call: GeminiCall) => Reply | Promise<Reply>

/** What goes with the pictures of the fake. */
export const SIGNATURE = 'c2lnbmF0dXJl'

/** Why a model stops without a picture, as the fake can say it. */
export const FINISH_REASONS = [
  ...(['IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION', 'IMAGE_OTHER', 'NO_IMAGE'] as const),
  ...([
    'SAFETY',
    'PROHIBITED_CONTENT',
    'RECITATION',
    'MAX_TOKENS',
    'OTHER',
    'BLOCKLIST',
    'SPII',
    'LANGUAGE',
  ] as const),
  ...([
    'MALFORMED_FUNCTION_CALL',
    'MALFORMED_RESPONSE',
    'UNEXPECTED_TOOL_CALL',
    'SOMETHING_NEW',
    'STOP',
  ] as const),
] as const

/** Why a prompt is refused. */
export const BLOCK_REASONS = [
  ...([
    'SAFETY',
    'OTHER',
    'BLOCKLIST',
    'PROHIBITED_CONTENT',
    'IMAGE_SAFETY',
    'MODEL_ARMOR',
    'JAILBREAK',
  ] as const),
  'SOMETHING_NEW',
] as const

type FinishName = `finish-${(typeof FINISH_REASONS)[number]}`
type BlockName = `block-${(typeof BLOCK_REASONS)[number]}`

const NAMED = {
  /** As Google does: refuses what it refuses, thinks first where the model does and the thoughts are asked for. */
  auto: async (call: GeminiCall) =>
    refusalOf(call.model, call.request.body) ?? (await answerLikeGoogle(call)),
  picture: async (call: GeminiCall) => answer(call, [{ picture: await call.paint() }]),
  signed: async (call: GeminiCall) => answer(call, [{ picture: await call.paint(), signature: SIGNATURE }]),
  /** Three drafts before the picture. */
  thoughts: async (call: GeminiCall) => answer(call, [...(await drafts(call, 3)), ...(await final(call))]),
  /** The drafts are all there is. */
  'thoughts-only': async (call: GeminiCall) =>
    answer(call, await drafts(call, 2), { finishReason: 'IMAGE_SAFETY' }),
  'two-pictures': async (call: GeminiCall) =>
    answer(call, [
      { text: 'One' },
      { picture: await call.paint(), signature: `${SIGNATURE}0` },
      { text: 'and another' },
      { picture: await call.paint(), signature: `${SIGNATURE}1` },
    ]),
  snake: async (call: GeminiCall) =>
    answer(
      call,
      [
        { picture: await call.paint(), snake: true, thought: true },
        { picture: await call.paint(), snake: true, signature: SIGNATURE },
      ],
      { answer: { usageMetadata: undefined, usage_metadata: snakeUsage() } },
    ),
  /** JPEG bytes labelled PNG. */
  'wrong-mime': async (call: GeminiCall) => answer(call, [{ picture: await call.paint('jpeg') }]),
  jpeg: async (call: GeminiCall) =>
    answer(call, [{ picture: await call.paint('jpeg'), mimeType: 'image/jpeg' }]),
  /** As relays of other dialects do. */
  markdown: async (call: GeminiCall) => {
    const base64 = whole(await call.paint()).toString('base64')
    return answer(call, [{ text: `Here:\n![image](data:image/png;base64,${base64})\nDo you like it?` }])
  },
  'text-only': (call: GeminiCall) => answer(call, [{ text: 'I can only describe a cat.' }]),
  empty: () => document({ usageMetadata: USAGE, modelVersion: 'fake' }),
  'half-broken': async (call: GeminiCall) =>
    answer(call, [
      { picture: { head: Buffer.alloc(0), tail: text('not a picture') } },
      { picture: await call.paint() },
    ]),
  'bomb-png': (call: GeminiCall) => answer(call, [{ picture: { head: Buffer.alloc(0), tail: bomb() } }]),
  'truncated-png': async (call: GeminiCall) => {
    const bytes = whole(await call.paint())
    return answer(call, [{ picture: { head: Buffer.alloc(0), tail: bytes.subarray(0, bytes.length * 0.6) } }])
  },
  list: async (call: GeminiCall) => asList([{ text: 'Here' }, ...(await final(call))]),
  'sse-whatever': async (call: GeminiCall) => asEvents([{ text: 'Here' }, ...(await final(call))]),
  'json-whatever': async (call: GeminiCall) => asDocument(await final(call)),
  'sse-done': async (call: GeminiCall) => {
    const { body, ...rest } = asEvents(await final(call))
    return { ...rest, body: [...body, text('data: [DONE]\n\n')] }
  },
  'sse-error': async (call: GeminiCall) => {
    const { body } = asEvents(await drafts(call, 1))
    const error = { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' }
    return sse([...body, text(`data: ${JSON.stringify({ error })}\r\n\r\n`)])
  },
  'sse-ends-early': async (call: GeminiCall) =>
    sse(asEvents([...(await drafts(call, 1)), { text: 'x' }]).body.slice(0, 6)),
  cut: async (call: GeminiCall) => ({ ...answer(call, await final(call)), fault: 'cut' as const }),
  ...FAILURES,
} satisfies Record<string, Behaviour>

export type GeminiBehaviourName = keyof typeof NAMED | FinishName | BlockName

/** The way of answering with that name. */
export function behaviourNamed(name: GeminiBehaviourName): Behaviour {
  const own: Behaviour | undefined = Object.hasOwn(NAMED, name)
    ? NAMED[name as keyof typeof NAMED]
    : undefined
  if (own !== undefined) return own
  const [kind, reason = ''] = name.split(/-(.*)/)
  return kind === 'block' ? () => blocked(reason) : (call) => stopped(call, reason)
}

async function answerLikeGoogle(call: GeminiCall): Promise<Reply> {
  const { generationConfig } = call.request.body
  const { thinkingConfig }: { thinkingConfig?: { includeThoughts?: unknown } } = Object(generationConfig)
  if (!wantsPictures(call.request.body)) return answer(call, [{ text: 'A cat is an animal with four legs.' }])
  const thinks = /^gemini-3/.test(call.model) && thinkingConfig?.includeThoughts === true
  const before = thinks ? await drafts(call, 1) : []
  return answer(call, [...before, { text: 'Here it is' }, ...(await final(call))])
}

async function final(call: GeminiCall): Promise<AnswerPart[]> {
  const signature = /^gemini-3/.test(call.model) ? { signature: SIGNATURE } : {}
  return [{ picture: await call.paint(), ...signature }]
}

async function drafts(call: GeminiCall, count: number): Promise<AnswerPart[]> {
  const parts: AnswerPart[] = [{ text: 'First I think of a cat.', thought: true }]
  for (let index = 0; index < count; index += 1) {
    parts.push({ picture: await call.paint(), thought: true, signature: `${SIGNATURE}draft` })
  }
  return parts
}

function stopped(call: GeminiCall, finishReason: string): Reply {
  const safetyRatings = [
    { category: 'HARM_CATEGORY_HARASSMENT', probability: 'NEGLIGIBLE' },
    { category: 'HARM_CATEGORY_SEXUALLY_EXPLICIT', probability: 'HIGH', blocked: true },
  ]
  const candidate = finishReason === 'SAFETY' ? { safetyRatings } : {}
  return answer(call, [], { finishReason, candidate })
}

function blocked(blockReason: string): Reply {
  return document({
    promptFeedback: { blockReason },
    usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 },
    modelVersion: 'fake',
  })
}

function snakeUsage() {
  return {
    prompt_token_count: 10,
    candidates_token_count: 1120,
    total_token_count: 1130,
    candidates_tokens_details: [{ modality: 'IMAGE', token_count: 1120 }],
  }
}
