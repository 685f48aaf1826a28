import { pictureIn } from './picture-source.ts'
import { isRecord, type JsonRecord } from './records.ts'

/**
 * The body of an images API that came on the chat route, as a chat completion;
 * anything else, and a list of data without a picture, as it is.
 */
export function asCompletion(value: JsonRecord): JsonRecord {
  const { data, created, model, usage } = value
  if (!Array.isArray(data) || value.choices !== undefined) return value
  if (!data.some((item) => pictureIn(item) !== undefined)) return value
  return {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: 'chat.completion',
    created: typeof created === 'number' ? created : Math.floor(Date.now() / 1000),
    model: typeof model === 'string' ? model : '',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: null, images: data },
        finish_reason: 'stop',
      },
    ],
    ...(isRecord(usage) ? { usage: asChatUsage(usage) } : {}),
  }
}

/** Images APIs count `input_tokens` and `output_tokens` where chat APIs count `prompt_tokens` and `completion_tokens`. */
function asChatUsage(usage: JsonRecord): JsonRecord {
  const { input_tokens, output_tokens, ...others } = usage
  if (usage.prompt_tokens !== undefined) return usage
  return { prompt_tokens: input_tokens ?? 0, completion_tokens: output_tokens ?? 0, ...others }
}
