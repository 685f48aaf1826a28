import { nameOf } from './traits.ts'

/** Whether a model is asked over the images or the chat API, and whether it draws. */
export interface ModelKind {
  kind: 'image' | 'chat'
  draws: boolean
  /** What a chat model that draws can be asked to answer with; all of it has to be asked for. */
  modalities: readonly string[]
}

/**
 * The kind of a model in an upstream's list.
 * @param outputs the model's output modalities, where the list says them (OpenRouter, xAI)
 */
export function listedKind(model: string, outputs: readonly string[] | undefined, host: string): ModelKind {
  if (outputs === undefined) return atHost(kindByName(model), host)
  if (!outputs.includes('image')) return CHAT
  if (!outputs.includes('text')) return atHost({ ...IMAGE, modalities: ['image'] }, host)
  return atHost(DRAWING_CHAT, host)
}

/** The kind of a model that is in no list. An odd name is trusted to draw, since a wrong guess of ours would hide it. */
export function guessedKind(model: string, host: string): ModelKind {
  const kind = kindByName(model)
  return kind === CHAT && !looksLikeChatModel(model) ? IMAGE : atHost(kind, host)
}

/**
 * The kind of a model in a list that does not say more than its name.
 * @param offered for what the operator offers the model, whatever it is called; for both: it draws in chats
 */
export function configuredKind(
  model: string,
  offered: { draws: boolean; chats: boolean },
  host: string,
): ModelKind {
  const kind = atHost(kindByName(model), host)
  if (kind.draws && kind.kind === 'chat') return kind
  if (offered.chats) return offered.draws ? DRAWING_CHAT : CHAT
  return offered.draws ? IMAGE : kind
}

/** Whether a model's name says that it draws. */
export function looksLikeImageModel(model: string): boolean {
  return OPENAI_NAMES.test(nameOf(model)) || (IMAGE_NAMES.test(model) && !OTHER_NAMES.test(model))
}

export function looksLikeChatModel(model: string): boolean {
  return CHAT_NAMES.test(nameOf(model))
}

/** Whether a name or what is known of a model's output says that it neither draws nor talks. */
export function isForOthers(model: string, outputs: readonly string[] | undefined): boolean {
  return outputs === undefined
    ? NEITHER_NAMES.test(nameOf(model))
    : !outputs.includes('image') && !outputs.includes('text')
}

const IMAGE: ModelKind = { kind: 'image', draws: true, modalities: ['image', 'text'] }
const CHAT: ModelKind = { kind: 'chat', draws: false, modalities: ['text'] }
const DRAWING_CHAT: ModelKind = { kind: 'chat', draws: true, modalities: ['image', 'text'] }

function kindByName(model: string): ModelKind {
  if (DRAWING_CHAT_NAMES.test(nameOf(model))) return DRAWING_CHAT
  return looksLikeImageModel(model) ? IMAGE : CHAT
}

/** The API through which a host draws, where it has only one. */
const DRAWING_API: Readonly<Record<string, ModelKind['kind']>> = {
  // All of its models are asked over the chat API, those that give only pictures too.
  'openrouter.ai': 'chat',
  // Google's OpenAI-compatible API gives no pictures in chats.
  'generativelanguage.googleapis.com': 'image',
}

function atHost(kind: ModelKind, host: string): ModelKind {
  const api = kind.draws ? DRAWING_API[host] : undefined
  return api === undefined || api === kind.kind ? kind : { ...kind, kind: api }
}

/**
 * Chat models that draw, as Google, OpenAI and relays name them: `gemini-2.5-flash-image`,
 * `gemini-2.0-flash-exp-image-generation`, `nano-banana-pro`, `gpt-4o-image-vip`, `gpt-5-image-mini`, `sora_image`,
 * `grok-4-imagine`. Not `grok-imagine-image` and `grok-2-image`, which are xAI's image models.
 */
const DRAWING_CHAT_NAMES =
  /^(gemini-[\w.-]*image|(google-)?nano-?banana|gpt-4o-image|gpt-5[\w.]*-image|sora_image|grok-[3-9][\w.]*-imag)/i

const OPENAI_NAMES = /^((chat)?gpt-image|dall-e)-/
const IMAGE_NAMES =
  /image|imagine|imagen|dall-?e|flux|stable-?diffusion|sdxl|sd-?3|seedream|kolors|midjourney|ideogram|recraft|hidream|cogview|nano-banana|kandinsky|jimeng|photon|playground-v|wanx|t2i/i
const OTHER_NAMES = /embed|video|caption|moderation|rerank|vision|i2v|t2v/i
const NEITHER_NAMES =
  /embed|moderation|rerank|whisper|transcri|(^|[-_])tts([-_]|$)|realtime|^(babbage|davinci)-|^(sora(-|$)|veo-|kling|runway|suno)|[it]2v/i
const CHAT_NAMES =
  /^(gpt|chatgpt|o\d|claude|gemini|gemma|grok|deepseek|qwen|qwq|glm|chatglm|kimi|moonshot|llama|mi[sx]tral|ministral|command|phi|yi|ernie|hunyuan|doubao|minimax|nova|sonar)|chat|instruct|llm|(^|[-_])think/i
