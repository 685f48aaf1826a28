import { type Static, Type } from 'typebox'

/** Ratios that every surface accepts (contract §1). */
export const ASPECT_RATIOS = [
  '1:1',
  '2:3',
  '3:2',
  '3:4',
  '4:3',
  '4:5',
  '5:4',
  '9:16',
  '16:9',
  '21:9',
  '1:2',
  '2:1',
] as const
export type AspectRatio = (typeof ASPECT_RATIOS)[number]

/** Size tiers as Gemini names them: about the side of a square picture. */
export const IMAGE_SIZES = ['512', '1K', '2K', '4K'] as const
export type ImageSize = (typeof IMAGE_SIZES)[number]

export const OUTPUT_FORMATS = ['png', 'jpeg', 'webp'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]

/** Longest prompt that any surface takes, in UTF-16 units (OpenAI's own limit for its image models). */
export const MAX_PROMPT_LENGTH = 32_000

/** Most pictures that one request may send along (OpenAI edits). */
export const MAX_INPUT_IMAGES = 16

/** What can be done with a picture beside editing it in the caller's own words (contract §1, `/v1/images/edit`). */
export const EDIT_MODES = ['style_transfer', 'upscale', 'inpainting', 'background_replace'] as const
export type EditMode = (typeof EDIT_MODES)[number]

/**
 * What a caller asked for, whatever the surface it came through. It is plain JSON: the row of a task keeps it,
 * so that an interrupted job can run again and a picture can say how it was made.
 * Input pictures are not in it; they travel beside it as files.
 */
export const ImageJob = Type.Object({
  kind: Type.Union([Type.Literal('generate'), Type.Literal('edit'), Type.Literal('variation')]),
  /** Public model name as the caller wrote it. */
  model: Type.String(),
  /** As the caller wrote it. Empty only for a variation or an `upscale`. */
  prompt: Type.String({ maxLength: MAX_PROMPT_LENGTH }),
  /** What the upstream is asked with in place of `prompt`: translated, or in the words of the edit mode. Absent: the same. */
  sentPrompt: Type.Optional(Type.String()),
  /** A task for an edit in place of instructions. `strength`: 0 (hardly) to 1 (fully). */
  edit: Type.Optional(
    Type.Object({ mode: Type.Enum([...EDIT_MODES]), strength: Type.Number({ minimum: 0, maximum: 1 }) }),
  ),
  /** Pictures wanted, at least 1. */
  n: Type.Integer({ minimum: 1 }),
  /** Each picture is asked for by itself, with its own progress and a seed that is one more than that of the one before. */
  oneByOne: Type.Optional(Type.Boolean()),
  /** `WxH` in pixels or `auto`. */
  size: Type.Optional(Type.String()),
  aspectRatio: Type.Optional(Type.Enum([...ASPECT_RATIOS])),
  /** Goes with a ratio or alone; `size` says both at once. */
  imageSize: Type.Optional(Type.Enum([...IMAGE_SIZES])),
  quality: Type.Optional(Type.String()),
  style: Type.Optional(Type.String()),
  background: Type.Optional(Type.String()),
  outputFormat: Type.Optional(Type.Enum([...OUTPUT_FORMATS])),
  /** Percent, 0..100; for jpeg and webp. */
  outputCompression: Type.Optional(Type.Integer()),
  moderation: Type.Optional(Type.String()),
  inputFidelity: Type.Optional(Type.String()),
  /** Previews wanted while a picture is made, 0..3. */
  partialImages: Type.Optional(Type.Integer()),
  seed: Type.Optional(Type.Integer()),
  /** In which form the caller wants its pictures back; absent: the surface decides. */
  responseFormat: Type.Optional(Type.Enum(['url', 'b64_json'])),
  /** The caller's own name for its end user. */
  user: Type.Optional(Type.String()),
  /** Parameters that we do not know: passed on untouched to an upstream of the same dialect, else named in warnings. */
  extra: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /** The surface the job came through, which is the dialect of `extra`. */
  dialect: Type.Enum(['openai', 'gemini', 'batch']),
})
export type ImageJob = Static<typeof ImageJob>

/** Something that was asked for and not done, or done differently. Goes out in `warnings`. */
export const Warning = Type.Object({
  /** Name of the parameter in the caller's words, e.g. `seed`; absent where none is to blame. */
  param: Type.Optional(Type.String()),
  message: Type.String(),
})
export type Warning = Static<typeof Warning>
