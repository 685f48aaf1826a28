import type { Content } from '../../../contract/gemini.ts'
import { AppError } from '../../base/error.ts'
import { Spooled, SpooledText } from '../../bytes/spooled.ts'

/** What a conversation asks for. */
export interface Conversation {
  /** The text of the last user content; empty where it holds only pictures. */
  prompt: string
  references: readonly Reference[]
  /** The references are from earlier in the conversation. */
  inherited: boolean
}

/** A picture as it was sent, in any form. */
export interface Reference {
  value: unknown
  /** The caller's name for it. */
  param: string
  /** Upstream state that came along with it. */
  signature?: string
  /** A link, not the picture itself. */
  isLink?: true
}

/**
 * Prompt and references of a conversation: the last user content, and, where that holds no picture, the pictures of the latest
 * model answer that has some, else of the latest user content before. Throws where there is nothing to draw from.
 */
export function readConversation(contents: readonly Content[]): Conversation {
  const last = contents.findLastIndex(isFromUser)
  const asked = last === -1 ? NOTHING : readParts(contents, last)
  const prompt = asked.texts.join('\n')
  if (prompt === '' && asked.references.length === 0) {
    const detail = 'the last content of the user has neither text nor picture.'
    throw new AppError('invalid_value', { param: 'contents', values: { detail } })
  }
  if (asked.references.length > 0) return { prompt, references: asked.references, inherited: false }
  return { prompt, references: earlierReferences(contents, last), inherited: true }
}

interface Parts {
  texts: string[]
  references: Reference[]
}

const NOTHING: Parts = { texts: [], references: [] }

const isFromUser = ({ role }: Content): boolean => role === undefined || role === 'user'
const isFromModel = ({ role }: Content): boolean => role === 'model'

/** Clients that read streams keep each chunk as a content of its own, so neighbours are one answer. */
function earlierReferences(contents: readonly Content[], before: number): Reference[] {
  const latest = (isRight: (content: Content) => boolean) =>
    contents.findLastIndex((content, index) => index < before && isRight(content) && holdsPicture(content))
  const answer = latest(isFromModel)
  if (answer === -1) {
    const user = latest(isFromUser)
    return user === -1 ? [] : readParts(contents, user).references
  }
  const start = contents.findLastIndex((content, index) => index < answer && !isFromModel(content)) + 1
  const chunks = contents.slice(start, answer + 1)
  const references = chunks.flatMap((_, index) => readParts(contents, start + index).references)
  // Our answers hold each picture and its link, which may point at nothing by now.
  const pictures = references.filter(({ isLink }) => !isLink)
  return pictures.length > 0 ? pictures : references
}

const holdsPicture = ({ parts }: Content): boolean =>
  parts.some((part) => part.thought !== true && ('inlineData' in part || 'fileData' in part))

function readParts(contents: readonly Content[], index: number): Parts {
  const read = (contents[index]?.parts ?? []).map((part, position) =>
    readPart(part, `contents[${index}].parts[${position}]`),
  )
  return {
    texts: read.flatMap(({ texts }) => texts).filter((text) => text.trim() !== ''),
    references: read.flatMap(({ references }) => references),
  }
}

function readPart(part: Content['parts'][number], param: string): Parts {
  const { text, thought, thoughtSignature, inlineData, fileData } = part
  if (thought === true) return NOTHING
  const signature = typeof thoughtSignature === 'string' ? { signature: thoughtSignature } : {}
  const pictures = [
    ...fieldOf(inlineData, 'data', `${param}.inlineData`),
    ...fieldOf(fileData, 'fileUri', `${param}.fileData`).map(checkUri),
  ]
  const said = readText(text, `${param}.text`)
  return {
    texts: said.texts,
    references: [...said.references, ...pictures.map((picture) => ({ ...picture, ...signature }))],
  }
}

/** A long text may have pictures in it, and be nothing but one. */
function readText(text: unknown, param: string): Parts {
  if (text === undefined) return NOTHING
  if (typeof text === 'string') return { texts: [text], references: [] }
  if (text instanceof Spooled) return { texts: [], references: [{ value: text, param }] }
  if (!(text instanceof SpooledText)) throw invalid(param, 'it must be string.')
  const words = text.parts.filter((part) => typeof part === 'string')
  const pictures = text.parts.filter((part) => typeof part !== 'string')
  return { texts: [words.join('')], references: pictures.map((value) => ({ value, param })) }
}

function fieldOf(holder: unknown, name: string, param: string): Reference[] {
  if (holder === undefined) return []
  if (typeof holder !== 'object' || holder === null) throw invalid(param, 'it must be object.')
  const value: unknown = Reflect.get(holder, name)
  if (value === undefined || value === null)
    throw new AppError('missing_required_parameter', { param: `${param}.${name}` })
  return [{ value, param: `${param}.${name}` }]
}

function checkUri({ value, param }: Reference): Reference {
  if (value instanceof Spooled || (typeof value === 'string' && /^(https?:|data:|\/)/i.test(value)))
    return { value, param, isLink: true }
  const detail = 'files are not kept here; send the picture itself or the link of a picture of this server.'
  throw invalid(param, detail)
}

const invalid = (param: string, detail: string) =>
  new AppError('invalid_value', { param, values: { detail } })
