import { type Static, Type } from 'typebox'
import { ASPECT_RATIOS } from './job.ts'
import { SIZE_PATTERN } from './openai-images.ts'

/*
 * The chat part of OpenAI's HTTP API (https://platform.openai.com/docs/api-reference/chat) as far as we read it.
 * Everything else in a request is allowed and goes on to a chat upstream as it is.
 */

/** One message, read loosely: clients write content as text, as parts, or leave it out beside tool calls. */
const Message = Type.Unsafe<Readonly<Record<string, unknown>>>({
  type: 'object',
  description:
    '`role` and `content`: a text or a list of parts (`text`, `input_text`, `image_url`, `input_image`). Links to pictures of this server stand for the pictures.',
})

export const ChatRequest = Type.Object(
  {
    model: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'A model from GET /v1/models; absent: the gateway chooses.',
      }),
    ),
    messages: Type.Array(Message, { minItems: 1 }),
    stream: Type.Optional(Type.Boolean({ default: false })),
    stream_options: Type.Optional(
      Type.Object(
        { include_usage: Type.Optional(Type.Boolean({ description: 'One more chunk with the usage.' })) },
        { additionalProperties: true },
      ),
    ),
    n: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 128,
        description: 'Answers of a chat model; pictures where one is drawn, at most 10.',
      }),
    ),
    size: Type.Optional(
      Type.String({
        pattern: SIZE_PATTERN,
        description: 'Extension, where a picture is drawn: `auto` or `WxH`.',
      }),
    ),
    aspect_ratio: Type.Optional(
      Type.Enum([...ASPECT_RATIOS], { description: 'Extension: the shape without a size.' }),
    ),
    modalities: Type.Optional(
      Type.Array(Type.String(), {
        description: 'With `image` among them the answer also holds its pictures in `images`.',
      }),
    ),
  },
  { title: 'ChatCompletionRequest', additionalProperties: true },
)
export type ChatRequest = Static<typeof ChatRequest>
