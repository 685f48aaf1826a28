import { type Static, Type } from 'typebox'
import { MAX_PROMPT_LENGTH } from './job.ts'

/** Translation of prompts (contract §1, `/v1/prompts`). */

export const TranslateRequest = Type.Object(
  {
    prompt: Type.String({ minLength: 1, maxLength: MAX_PROMPT_LENGTH }),
    enhance: Type.Optional(Type.Boolean({ default: true, description: 'Make it more vivid, too.' })),
    force: Type.Optional(
      Type.Boolean({ default: false, description: 'Ask the model even where the answer is remembered.' }),
    ),
  },
  { title: 'PromptTranslateRequest' },
)
export type TranslateRequest = Static<typeof TranslateRequest>

export const TranslateReply = Type.Object(
  {
    original: Type.String(),
    translated: Type.String({ description: 'The original, where it could not be translated.' }),
    language: Type.String({
      description: 'Of the original, as a BCP 47 tag; `und` where it holds no letters.',
    }),
    enhanced: Type.Boolean(),
    cached: Type.Boolean(),
    warning: Type.Optional(Type.String({ description: 'Why it was not translated.' })),
  },
  { title: 'PromptTranslation' },
)

export const CacheStatistics = Type.Object(
  {
    cache_size: Type.Integer(),
    hits: Type.Integer({ description: 'Since this process began, as `misses`.' }),
    misses: Type.Integer(),
    cache_entries: Type.Array(Type.String(), { description: 'Keys (hashes) of the ten used last.' }),
  },
  { title: 'PromptCacheStatistics' },
)

export const CacheCleared = Type.Object(
  { success: Type.Boolean(), message: Type.String() },
  { title: 'PromptCacheCleared' },
)
