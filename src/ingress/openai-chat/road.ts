import type { ChatRequest } from '../../../contract/openai-chat.ts'
import { AppError } from '../../base/error.ts'
import { type ChatCandidate, chatCandidates } from '../../gateway/chat.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { isClientTask, isPictureRequest } from './detect.ts'

/** `draw`: the gateway draws and answers itself. `pass`: a chat upstream answers. */
export type Road = { kind: 'draw'; model: string } | { kind: 'pass'; candidates: readonly ChatCandidate[] }

export interface RoadSettings {
  /** Whether a model that only writes is answered for with a picture. */
  chatPictures: 'auto' | 'always' | 'never'
  /** The model that answers for the gateway's alias when no picture is asked for. */
  chatModel?: string | undefined
}

/**
 * Who answers a chat, with the accounts of a pool where the caller is bound to one. A model that only draws always draws, one that chats and draws decides by itself, and one that only
 * writes is left alone unless the words ask for a picture. The alias is whoever is right for the words.
 */
export function chooseRoad(
  gateway: Gateway,
  settings: RoadSettings,
  body: ChatRequest,
  pool: string | undefined,
): Road {
  const { alias } = gateway.settings
  const model = body.model ?? alias
  const candidates = chatCandidates(gateway, model === alias ? chatModelOf(gateway, settings) : model, pool)
  const [first] = candidates
  if (first === undefined)
    return isClientTask(body.messages)
      ? leaveToWriter(gateway, settings, model, pool)
      : { kind: 'draw', model }
  if (model !== alias && (first.capabilities.draws || wantsImages(body))) return { kind: 'pass', candidates }
  return wantsPicture(settings, body) ? { kind: 'draw', model: alias } : { kind: 'pass', candidates }
}

/** Clients ask the model of a chat for its title and the like; a picture of that would only cost. */
function leaveToWriter(
  gateway: Gateway,
  settings: RoadSettings,
  model: string,
  pool: string | undefined,
): Road {
  const candidates = chatCandidates(gateway, chatModelOf(gateway, settings), pool)
  if (candidates.length > 0) return { kind: 'pass', candidates }
  const detail = 'it draws, and writes no titles or summaries.'
  throw new AppError('unsupported_operation', { param: 'messages', values: { model, detail } })
}

/** Whether the answer is asked to hold its pictures as parts. */
export const wantsImages = (body: ChatRequest): boolean => body.modalities?.includes('image') === true

function wantsPicture({ chatPictures }: RoadSettings, body: ChatRequest): boolean {
  if (chatPictures !== 'auto') return chatPictures === 'always'
  // A program that brings tools wants them used: its words are about work, not about a picture.
  if (isUsed(body, 'tools') || isUsed(body, 'functions')) return false
  return wantsImages(body) || isPictureRequest(body.messages).picture
}

function isUsed(body: ChatRequest, field: string): boolean {
  const value: unknown = Reflect.get(body, field)
  return Array.isArray(value) && value.length > 0
}

function chatModelOf({ providers }: Gateway, { chatModel }: RoadSettings): string {
  return chatModel ?? providers.chatting() ?? ''
}
