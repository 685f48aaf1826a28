import { type Static, Type } from 'typebox'
import { ASPECT_RATIOS, IMAGE_SIZES, MAX_PROMPT_LENGTH, Warning } from './job.ts'

/*
 * The part of Google's Gemini API (https://ai.google.dev/api/generate-content) that draws, with our extensions. Names may
 * also be written in snake_case. Unknown fields are not refused: they go on to an upstream that speaks the same dialect.
 */

/** A string of base64, or what stands for a long one once a body is read. */
const Base64 = Type.Unsafe<unknown>({ type: ['string', 'object'], description: 'Base64 of a picture.' })

/** One part, read loosely: only the parts that are drawn from are looked at. */
const Part = Type.Unsafe<Readonly<Record<string, unknown>>>({
  type: 'object',
  description:
    '`text`, `inlineData` (`data`: base64; the type is read from the bytes) or `fileData` (`fileUri`: a link to a picture of this server). Others are ignored.',
})

export const Content = Type.Object({
  role: Type.Optional(Type.Enum(['user', 'model', 'function'], { description: 'Absent: `user`.' })),
  parts: Type.Array(Part),
})
export type Content = Static<typeof Content>

const aspectRatio = Type.Optional(Type.Enum([...ASPECT_RATIOS]))
const imageSize = Type.Optional(Type.Enum([...IMAGE_SIZES]))
const seed = Type.Optional(Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }))

const GenerationConfig = Type.Object(
  {
    candidateCount: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 8, description: 'How many pictures; each is a candidate.' }),
    ),
    seed,
    responseModalities: Type.Optional(
      Type.Array(Type.String(), { description: 'May be absent; else it must hold `IMAGE`.' }),
    ),
    imageConfig: Type.Optional(Type.Object({ aspectRatio, imageSize }, { additionalProperties: true })),
  },
  { additionalProperties: true },
)

export const GenerateContentRequest = Type.Object(
  {
    contents: Type.Array(Content, {
      minItems: 1,
      description:
        'The text of the last user content is the prompt. Its pictures are drawn from, else those of the latest model content.',
    }),
    generationConfig: Type.Optional(GenerationConfig),
  },
  { title: 'GenerateContentRequest', additionalProperties: true },
)
export type GenerateContentRequest = Static<typeof GenerateContentRequest>

export const PredictParameters = Type.Object(
  {
    sampleCount: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10, default: 1, description: 'How many pictures.' }),
    ),
    aspectRatio,
    imageSize,
    sampleImageSize: imageSize,
    seed,
    outputOptions: Type.Optional(
      Type.Object({
        mimeType: Type.Optional(
          Type.Enum(['image/png', 'image/jpeg', 'image/webp'], {
            description: 'Converted where the upstream gives another one.',
          }),
        ),
        compressionQuality: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
      }),
    ),
    includeRaiReason: Type.Optional(
      Type.Boolean({ description: 'A prediction with the reason for each picture that was withheld.' }),
    ),
  },
  { additionalProperties: true },
)

export const PredictRequest = Type.Object(
  {
    instances: Type.Array(
      Type.Object(
        {
          prompt: Type.Optional(Type.String({ maxLength: MAX_PROMPT_LENGTH })),
          image: Type.Optional(
            Type.Object({ bytesBase64Encoded: Base64 }, { description: 'A picture to change.' }),
          ),
        },
        { additionalProperties: true },
      ),
      { minItems: 1, maxItems: 1, description: 'One instance, in a list or by itself.' },
    ),
    parameters: Type.Optional(PredictParameters),
  },
  { title: 'PredictRequest' },
)
export type PredictRequest = Static<typeof PredictRequest>

/** `url` leaves the bytes out of the answer. */
export const ImagesQuery = Type.Optional(
  Type.Enum(['inline', 'url'], {
    description: 'Extension. `inline`: bytes and link; `url`: only the link.',
    default: 'inline',
  }),
)

const warnings = Type.Optional(
  Type.Array(Warning, { description: 'Extension: what was asked for and not done.' }),
)

const AnswerPart = Type.Object({
  text: Type.Optional(Type.String()),
  inlineData: Type.Optional(
    Type.Object({ mimeType: Type.String(), data: Type.String({ contentEncoding: 'base64' }) }),
  ),
  fileData: Type.Optional(
    Type.Object(
      { mimeType: Type.String(), fileUri: Type.String() },
      { description: 'Extension: the link of the picture in the part before.' },
    ),
  ),
  thought: Type.Optional(Type.Boolean({ description: 'A preview, in streams only.' })),
  thoughtSignature: Type.Optional(Type.String()),
})

const TokenCounts = Type.Array(Type.Object({ modality: Type.String(), tokenCount: Type.Integer() }))

export const GenerateContentReply = Type.Object(
  {
    candidates: Type.Array(
      Type.Object({
        index: Type.Integer(),
        content: Type.Object({ role: Type.Literal('model'), parts: Type.Array(AnswerPart) }),
        finishReason: Type.Optional(Type.String()),
      }),
    ),
    usageMetadata: Type.Optional(
      Type.Object({
        promptTokenCount: Type.Integer(),
        candidatesTokenCount: Type.Integer(),
        totalTokenCount: Type.Integer(),
        thoughtsTokenCount: Type.Optional(Type.Integer()),
        promptTokensDetails: Type.Optional(TokenCounts),
        candidatesTokensDetails: Type.Optional(TokenCounts),
      }),
    ),
    modelVersion: Type.String(),
    responseId: Type.String(),
    warnings,
  },
  { title: 'GenerateContentResponse' },
)

export const PredictReply = Type.Object(
  {
    predictions: Type.Array(
      Type.Object({
        bytesBase64Encoded: Type.Optional(Type.String({ contentEncoding: 'base64' })),
        mimeType: Type.Optional(Type.String()),
        prompt: Type.Optional(Type.String({ description: 'The prompt as the upstream rewrote it.' })),
        imageUrl: Type.Optional(Type.String({ description: 'Extension: the link of the picture.' })),
        raiFilteredReason: Type.Optional(Type.String()),
      }),
    ),
    warnings,
  },
  { title: 'PredictResponse' },
)

export const GeminiModel = Type.Object(
  {
    name: Type.String(),
    baseModelId: Type.String(),
    version: Type.String(),
    displayName: Type.String(),
    inputTokenLimit: Type.Integer(),
    supportedGenerationMethods: Type.Array(Type.String()),
  },
  { title: 'GeminiModel' },
)
export const GeminiModelList = Type.Object(
  { models: Type.Array(GeminiModel), nextPageToken: Type.Optional(Type.String()) },
  { title: 'GeminiModelList' },
)

export const GeminiError = Type.Object(
  {
    error: Type.Object({
      code: Type.Integer({ description: 'The HTTP status.' }),
      message: Type.String(),
      status: Type.String(),
      details: Type.Array(Type.Record(Type.String(), Type.Unknown())),
    }),
  },
  { title: 'GeminiError' },
)
