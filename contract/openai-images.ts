import { type Static, Type } from 'typebox'
import {
  ASPECT_RATIOS,
  EDIT_MODES,
  MAX_INPUT_IMAGES,
  MAX_PROMPT_LENGTH,
  OUTPUT_FORMATS,
  Warning,
} from './job.ts'

/*
 * The images part of OpenAI's HTTP API (https://platform.openai.com/docs/api-reference/images) with our extensions.
 * Unknown fields are not refused: they go on to an upstream that speaks the same dialect.
 */

/** `WxH` in pixels, each side 16..8192, or `auto`. */
export const SIZE_PATTERN =
  '^(auto|(1[6-9]|[2-9]\\d|[1-9]\\d{2}|[1-7]\\d{3}|80\\d{2}|81[0-8]\\d|819[0-2])x(1[6-9]|[2-9]\\d|[1-9]\\d{2}|[1-7]\\d{3}|80\\d{2}|81[0-8]\\d|819[0-2]))$'

export const RESPONSE_FORMATS = ['url', 'b64_json'] as const
export type ResponseFormat = (typeof RESPONSE_FORMATS)[number]

const options = {
  model: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'A model from GET /v1/models; absent: the gateway chooses.',
    }),
  ),
  n: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10,
      default: 1,
      description:
        'How many pictures. More than the upstream gives in one call are asked for in parallel calls.',
    }),
  ),
  size: Type.Optional(
    Type.String({ pattern: SIZE_PATTERN, description: '`auto` or `WxH` in pixels, each side 16 to 8192.' }),
  ),
  aspect_ratio: Type.Optional(
    Type.Enum([...ASPECT_RATIOS], { description: 'Extension: the shape without a size.' }),
  ),
  quality: Type.Optional(Type.Enum(['auto', 'low', 'medium', 'high', 'standard', 'hd'])),
  style: Type.Optional(Type.Enum(['vivid', 'natural'])),
  background: Type.Optional(Type.Enum(['auto', 'transparent', 'opaque'])),
  output_format: Type.Optional(
    Type.Enum([...OUTPUT_FORMATS], { description: 'Converted where the upstream gives another one.' }),
  ),
  output_compression: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 100, description: 'Percent, for jpeg and webp.' }),
  ),
  moderation: Type.Optional(Type.Enum(['auto', 'low'])),
  response_format: Type.Optional(
    Type.Enum([...RESPONSE_FORMATS], { description: 'Obeyed strictly, for every model.' }),
  ),
  stream: Type.Optional(Type.Boolean({ default: false })),
  partial_images: Type.Optional(Type.Integer({ minimum: 0, maximum: 3 })),
  seed: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'Extension; named in `warnings` where the upstream has none.',
    }),
  ),
  user: Type.Optional(Type.String({ maxLength: 512 })),
  async: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Extension: answer 202 with a job to poll. `Prefer: respond-async` does the same.',
    }),
  ),
  webhook_url: Type.Optional(
    Type.String({
      maxLength: 2048,
      format: 'uri',
      description: 'Extension: a signed POST goes here when an async job ends.',
    }),
  ),
}

const prompt = Type.String({ minLength: 1, maxLength: MAX_PROMPT_LENGTH })

export const GenerationRequest = Type.Object({ prompt, ...options }, { title: 'ImageGenerationRequest' })
export type GenerationRequest = Static<typeof GenerationRequest>

/** A picture as clients send it: URL, data URL, bare base64, our own image URL, `{url}`/`{image_url}`, or an upload. */
const Picture = Type.Unsafe<unknown>({
  type: ['string', 'object'],
  description:
    'An upload (multipart), a data URL, bare base64, an image URL of this server, or `{"url"|"image_url": …}` holding one of them.',
})
const Pictures = Type.Unsafe<unknown>({
  anyOf: [Picture, { type: 'array', items: Picture, minItems: 1, maxItems: MAX_INPUT_IMAGES }],
})

export const EditRequest = Type.Object(
  {
    prompt,
    image: Type.Optional(Pictures),
    images: Type.Optional(Pictures),
    mask: Type.Optional(Picture),
    input_fidelity: Type.Optional(Type.Enum(['low', 'high'])),
    ...options,
  },
  { title: 'ImageEditRequest' },
)
export type EditRequest = Static<typeof EditRequest>

export const EditModeRequest = Type.Object(
  {
    ...EditRequest.properties,
    prompt: Type.Optional(
      Type.String({
        maxLength: MAX_PROMPT_LENGTH,
        description:
          'The style, the change or the new background. Required, but for `upscale`, where it may say what to mind.',
      }),
    ),
    mask: Type.Optional({
      ...Picture,
      description: 'For `inpainting`: transparent where the picture may change.',
    }),
    mode: Type.Optional(Type.Enum([...EDIT_MODES], { default: 'style_transfer' })),
    strength: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, default: 0.8, description: 'From 0, hardly, to 1, fully.' }),
    ),
  },
  { title: 'ImageEditModeRequest' },
)
export type EditModeRequest = Static<typeof EditModeRequest>

export const VariationRequest = Type.Object(
  { image: Type.Optional(Pictures), ...options },
  { title: 'ImageVariationRequest' },
)
export type VariationRequest = Static<typeof VariationRequest>

export const ImageItem = Type.Object({
  url: Type.Optional(Type.String()),
  b64_json: Type.Optional(Type.String({ contentEncoding: 'base64' })),
  revised_prompt: Type.Optional(Type.String()),
  sent_prompt: Type.Optional(
    Type.String({
      description: 'Extension: what the upstream was asked with, where that is not the prompt.',
    }),
  ),
  image_id: Type.String({ description: 'Extension: the picture in the library.' }),
  image_url: Type.String({ description: 'Extension: its link, whatever the format.' }),
})

export const ImagesReply = Type.Object(
  {
    created: Type.Integer({ description: 'Seconds since the epoch.' }),
    data: Type.Array(ImageItem),
    background: Type.Optional(Type.String()),
    output_format: Type.Optional(Type.String()),
    quality: Type.Optional(Type.String()),
    size: Type.Optional(Type.String()),
    usage: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    warnings: Type.Optional(
      Type.Array(Warning, { description: 'Extension: what was asked for and not done.' }),
    ),
  },
  { title: 'ImagesResponse' },
)

export const OpenAiError = Type.Object(
  {
    error: Type.Object({
      message: Type.String(),
      type: Type.String(),
      code: Type.Union([Type.String(), Type.Null()]),
      param: Type.Union([Type.String(), Type.Null()]),
    }),
  },
  { title: 'Error' },
)

export const ImageJobReply = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('image.job'),
    status: Type.Enum(['queued', 'running', 'completed', 'partial', 'failed', 'cancelled']),
    created_at: Type.Integer({ description: 'Seconds since the epoch.' }),
    completed_at: Type.Optional(Type.Integer()),
    url: Type.String({ description: 'Where to poll.' }),
    result: Type.Optional(ImagesReply),
    error: Type.Optional(OpenAiError.properties.error),
  },
  { title: 'ImageJob' },
)

export const Model = Type.Object(
  { id: Type.String(), object: Type.Literal('model'), created: Type.Integer(), owned_by: Type.String() },
  { title: 'Model' },
)
export const ModelList = Type.Object(
  { object: Type.Literal('list'), data: Type.Array(Model) },
  { title: 'ModelList' },
)
